using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Checkpoints;

/// <summary>What the first trainer adds to the rows of a checkpoint.</summary>
/// <param name="Dense">The dense weights, with the state of their optimizer or without.</param>
/// <param name="Training">What the manifest keeps besides.</param>
internal sealed record CheckpointContent(IReadOnlyList<NamedArray> Dense, JsonObject? Training);

/// <summary>Writes checkpoints, each in the background of the steps behind it; only that of the first trainer has a folder.</summary>
/// <remarks>Used from the trainer's thread.</remarks>
internal sealed class CheckpointWriter(CheckpointDirectory? directory, int keep, int increments, IEmbeddingStore store, string folder)
{
    private const string DensePart = "dense";
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private Task<Outcome>? _pending;
    private OpenEmbeddingException? _failure;

    /// <summary>The time since the last checkpoint began.</summary>
    public TimeSpan SinceLast => _sinceLast.Elapsed;

    /// <summary>Whether the last checkpoint that is over failed.</summary>
    public bool LastFailed => _failure is not null;

    /// <summary>Marks the state after the steps pushed so far and begins to write it, once the checkpoint before is finished; every trainer calls it.</summary>
    /// <param name="steps">Steps trained.</param>
    /// <param name="slots">Whether the optimizer state of the rows is written too.</param>
    /// <param name="content">Gives the rest of the checkpoint as it is now; asked on the first trainer alone.</param>
    /// <returns>What became of the checkpoint before, null when there is nothing new.</returns>
    public string? Begin(long steps, bool slots, Func<CheckpointContent> content)
    {
        string? news = Finish();
        _sinceLast.Restart();
        PendingSave rows = store.BeginSave(new SaveRequest { Folder = folder, Step = steps, Slots = slots, Increments = increments });
        if (directory is not null)
        {
            CheckpointContent now = content();
            _pending = Task.Run(() => Write(directory, steps, now, rows));
        }

        return news;
    }

    /// <summary>What became of the last checkpoint, if it is over and that was not told yet; does not wait.</summary>
    public string? News() => _pending is { IsCompleted: true } ? Finish() : null;

    /// <summary>Waits for the checkpoint that is being written.</summary>
    /// <returns>What became of it, null when there is nothing new.</returns>
    public string? Finish()
    {
        if (_pending is null)
        {
            return null;
        }

        Outcome outcome = _pending.GetAwaiter().GetResult();
        _pending = null;
        _failure = outcome.Failure;
        return outcome.Line;
    }

    /// <summary>Throws what made the last checkpoint fail, if it did; a later one that succeeds makes up for it.</summary>
    public void ThrowIfLastFailed()
    {
        if (_failure is not null)
        {
            throw _failure;
        }
    }

    private Outcome Write(CheckpointDirectory directory, long steps, CheckpointContent content, PendingSave rows)
    {
        var clock = Stopwatch.StartNew();
        CheckpointSegment? denseFile = null;
        try
        {
            denseFile = Safetensors.WriteSegment(directory.Folder, CheckpointDirectory.FileOf(steps, DensePart), content.Dense);
            SaveResult saved = rows.Wait();
            var manifest = new CheckpointManifest
            {
                Step = steps,
                Tables = saved.Tables,
                Servers = saved.Servers,
                Dense = denseFile,
                Training = content.Training,
            };
            directory.Commit(manifest, keep);
            double megabytes = (denseFile.Bytes + saved.Servers.Sum(server => server[^1].Bytes)) / 1e6;
            return new Outcome(
                FormattableString.Invariant($"checkpoint of step {steps}: {megabytes:F1} MB in {clock.Elapsed.TotalSeconds:F1} s"), null);
        }
        catch (Exception failure) when (failure is OpenEmbeddingException or IOException or UnauthorizedAccessException)
        {
            // On a full disk the next one needs its room.
            if (denseFile is not null)
            {
                directory.Remove(denseFile);
            }

            string line = $"checkpoint of step {steps} failed: {failure.Message}";
            return new Outcome(line, new OpenEmbeddingException(line, JobExitCode.Failure, failure));
        }
    }

    private sealed record Outcome(string Line, OpenEmbeddingException? Failure);
}

/// <summary>The histogram of the scores of an epoch, as arrays of those cells that are not 0.</summary>
internal static class MetricArrays
{
    private const string Cells = "metrics/cells";
    private const string Counts = "metrics/counts";

    public static IEnumerable<NamedArray> Export(BinaryMetrics metrics)
    {
        Span<long> all = metrics.Counts;
        var cells = new List<long>();
        var counts = new List<long>();
        for (int cell = 0; cell < all.Length; cell++)
        {
            if (all[cell] != 0)
            {
                cells.Add(cell);
                counts.Add(all[cell]);
            }
        }

        return [Array(Cells, cells), Array(Counts, counts)];
    }

    public static void Import(IReadOnlyList<NamedArray> arrays, BinaryMetrics metrics)
    {
        ReadOnlySpan<long> cells = Numbers(arrays, Cells);
        ReadOnlySpan<long> counts = Numbers(arrays, Counts);
        Span<long> all = metrics.Counts;
        for (int i = 0; i < cells.Length; i++)
        {
            all[(int)cells[i]] = counts[i];
        }
    }

    private static NamedArray Array(string name, List<long> numbers) =>
        new(name, "I64", [numbers.Count], MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(numbers)).ToArray());

    private static ReadOnlySpan<long> Numbers(IReadOnlyList<NamedArray> arrays, string name) =>
        arrays.FirstOrDefault(array => array.Name == name) is { } array ? MemoryMarshal.Cast<byte, long>(array.Data.Span) : [];
}
