using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>One segment under way: the tables as they were at a mark. Their thread copies rows when it has time, and before they change; a thread of its own writes, and reads what stays as it is.</summary>
internal sealed class SegmentCapture : IDisposable
{
    /// <summary>The array of the keys whose rows went since the file before.</summary>
    public const string RemovedKeys = "removed";

    /// <summary>The array of the keys that were trained too seldom for a row.</summary>
    public const string CandidateKeys = "candidates";

    /// <summary>The array of how many steps trained each of them.</summary>
    public const string CandidateCounts = "candidate_counts";

    // Rows that are copied and not written take at most so many chunks, but for those that change.
    private const int MostWaiting = 128;

    private readonly EmbeddingTable[] _tables;
    private readonly ChunkSink[] _sinks;

    // Rows that need no copy, each with its columns.
    private readonly List<(IRowSource Rows, RowLayout Layout)> _sources = [];
    private readonly BlockingCollection<RowChunk> _full = [];
    private readonly ConcurrentBag<RowChunk> _free = [];
    private readonly List<(int Array, ReadOnlyMemory<byte> Data)> _ready = [];
    private readonly Action? _progress;
    private readonly Task<SavedSegments> _writing;
    private int _copiedTables;
    private volatile bool _abandoned;

    private SegmentCapture(string folder, string name, EmbeddingTable[] tables, bool slots, CaptureScope scope, Action? progress)
    {
        _tables = tables;
        _progress = progress;
        _sinks = new ChunkSink[tables.Length];
        var arrays = new List<ArrayPlan>();
        var rows = new Dictionary<string, long>();
        for (int i = 0; i < tables.Length; i++)
        {
            var layout = new RowLayout(tables[i], slots, arrays.Count);
            _sinks[i] = new ChunkSink(layout, () => _free.TryTake(out var free) ? free : new RowChunk(), _full.Add);
            long count = tables[i].BeginCapture(scope, _sinks[i]);
            if (tables[i].CaptureSource is { } source)
            {
                _sources.Add((source, layout));
            }

            rows.Add(tables[i].Options.Name, count);
            arrays.AddRange(layout.Arrays(count));
            foreach (var array in KeyLists(tables[i], scope, slots))
            {
                _ready.Add((arrays.Count, array.Data));
                arrays.Add(new ArrayPlan(array.Name, array.Type, array.Shape, array.Data.Length));
            }
        }

        var tableRows = tables.ToDictionary(table => table.Options.Name, table => table.RowCount);
        _writing = Task.Factory.StartNew(
            () => Write(folder, name, arrays, rows, tableRows), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _ = _writing.ContinueWith(_ => _progress?.Invoke(), TaskScheduler.Default);
    }

    /// <summary>Whether the file is written, or cannot be.</summary>
    public bool IsCompleted => _writing.IsCompleted;

    /// <summary>Marks the rows of tables as they are now.</summary>
    /// <param name="request">What is saved.</param>
    /// <param name="part">What the file holds, as in <see cref="CheckpointDirectory.FileOf"/>.</param>
    /// <param name="tables">The tables; all calls come from the thread that they belong to.</param>
    /// <param name="scope">Which rows.</param>
    /// <param name="progress">Called from the writing thread when <see cref="Advance"/> or <see cref="Finish"/> may have something to do.</param>
    public static SegmentCapture Begin(SaveRequest request, string part, EmbeddingTable[] tables, CaptureScope scope, Action? progress)
    {
        string name = CheckpointDirectory.FreeName(request.Folder, CheckpointDirectory.FileOf(request.Step, part));
        return new SegmentCapture(request.Folder, name, tables, request.Slots, scope, progress);
    }

    /// <summary>Copies a few rows, in less than a millisecond.</summary>
    /// <returns>Whether it did; not if all are copied, or if enough of them wait to be written.</returns>
    public bool Advance() => _full.Count < MostWaiting && !IsCompleted && CopyGroup();

    /// <summary>Copies what is left and waits until the file is written.</summary>
    public SavedSegments Finish()
    {
        while (!IsCompleted && CopyGroup())
        {
        }

        var saved = _writing.GetAwaiter().GetResult();
        Array.ForEach(_tables, table => table.EndCapture());
        return saved;
    }

    /// <summary>Gives up what is not written.</summary>
    public void Dispose()
    {
        _abandoned = true;
        Array.ForEach(_sinks, sink => sink.Flush());
        _full.CompleteAdding();
        ((IAsyncResult)_writing).AsyncWaitHandle.WaitOne();
        Array.ForEach(_tables, table => table.EndCapture());
        foreach (var chunk in _full.Concat(_free))
        {
            chunk.Dispose();
        }

        _full.Dispose();
    }

    /// <returns>Whether there was anything to copy.</returns>
    private bool CopyGroup()
    {
        while (_copiedTables < _tables.Length)
        {
            if (_tables[_copiedTables].Capture())
            {
                return true;
            }

            _sinks[_copiedTables].Flush();
            _copiedTables++;
            if (_copiedTables == _tables.Length)
            {
                _full.CompleteAdding();
            }
        }

        return false;
    }

    private SavedSegments Write(
        string folder, string name, IReadOnlyList<ArrayPlan> arrays, Dictionary<string, long> rows, Dictionary<string, long> tableRows)
    {
        string path = Path.Combine(folder, name);
        try
        {
            using var file = new SegmentFile(path, arrays);
            _ready.ForEach(ready => file.Append(ready.Array, ready.Data.Span));
            WriteRows(file);
            var (bytes, checksum) = file.Finish();
            var segment = new CheckpointSegment { File = name, Bytes = bytes, Checksum = checksum, Rows = rows, TableRows = tableRows };
            return new SavedSegments { Segments = [segment] };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OpenEmbeddingException)
        {
            TryDelete(path);
            return new SavedSegments { Problem = $"{path} cannot be written: {e.Message}" };
        }
    }

    private void WriteRows(SegmentFile file)
    {
        using var chunk = new RowChunk();
        var open = new Queue<(IRowSource Rows, ChunkSink Sink)>(
            _sources.Select(source => (source.Rows, new ChunkSink(source.Layout, () => chunk, full => full.WriteTo(file)))));
        while (!_abandoned)
        {
            // Copies first: they take memory until they are written.
            if (_full.TryTake(out var copied, open.Count > 0 ? 0 : Timeout.Infinite))
            {
                copied.WriteTo(file);
                _free.Add(copied);
                _progress?.Invoke();
            }
            else if (open.Count == 0)
            {
                break;
            }
            else if (!open.Peek().Rows.Give(open.Peek().Sink))
            {
                open.Dequeue().Sink.Flush();
            }
        }

        if (_abandoned)
        {
            throw new IOException("the save was given up");
        }
    }

    /// <summary>What a table whose growth is bounded has beside its rows.</summary>
    private static IEnumerable<NamedArray> KeyLists(EmbeddingTable table, CaptureScope scope, bool slots)
    {
        string name = $"table/{table.Options.Name}";
        long[] removed = scope.IsIncrement ? table.TakeRemoved() : [];
        if (removed.Length > 0 && !scope.IsWhole)
        {
            yield return new NamedArray($"{name}/{RemovedKeys}", "I64", [removed.Length], MemoryMarshal.AsBytes<long>(removed).ToArray());
        }

        var (keys, counts) = slots ? table.ExportCandidates() : ([], []);
        if (keys.Length > 0)
        {
            yield return new NamedArray($"{name}/{CandidateKeys}", "I64", [keys.Length], MemoryMarshal.AsBytes<long>(keys).ToArray());
            yield return new NamedArray($"{name}/{CandidateCounts}", "I32", [counts.Length], MemoryMarshal.AsBytes<int>(counts).ToArray());
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No manifest names the file; the next job removes it.
        }
    }
}
