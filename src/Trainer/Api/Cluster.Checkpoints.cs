using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Training;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer;

/// <content>Checkpoints of a model of one's own.</content>
/// <remarks>Every trainer makes these calls, in the same place between two steps; files are written by the servers and the first trainer.</remarks>
public sealed partial class Cluster
{
    private optim.Optimizer? _optimizer;
    private long _loadedSteps;

    /// <summary>Steps trained, those of a checkpoint that was loaded included.</summary>
    public long Step => _loadedSteps + (_served?.Steps ?? 0);

    /// <summary>Newer checkpoints that were damaged when one was loaded.</summary>
    internal IReadOnlyList<SkippedCheckpoint> Skipped { get; private set; } = [];

    private string OptimizerName => Optimizer.GetType().Name;

    private DenseState Dense => _dense ?? throw new OpenEmbeddingException(
        "there is no model to save or load yet; call cluster.DistributedModel(…) first", JobExitCode.Configuration);

    private optim.Optimizer Optimizer => _optimizer ?? throw new OpenEmbeddingException(
        "the rows of the model have no rule yet; call cluster.DistributedOptimizer(…) before a checkpoint is saved or loaded", JobExitCode.Configuration);

    /// <summary>
    /// Writes the whole state of training, so that it goes on from there with the same bits: rows with their slots, dense weights and buffers,
    /// the state of the optimizer, the step. Returns when the checkpoint is valid.
    /// </summary>
    /// <param name="folder">A folder of checkpoints, reachable from every rank; made if it is not there. The checkpoints in it stay.</param>
    /// <param name="state">What the program wants back when it goes on, for instance its place in the data; that of the first trainer is written.</param>
    /// <exception cref="OpenEmbeddingException">It cannot be written, on every trainer alike; earlier checkpoints are as they were, and training can go on.</exception>
    public void Save(string folder, JsonObject? state = null) => SaveNow(folder, slots: true, state);

    /// <summary>Writes all weights without optimizer state, in the form of <see cref="Save"/>; <c>oe-train</c> loads them into equal tables and parameters.</summary>
    /// <param name="folder">As in <see cref="Save"/>.</param>
    /// <exception cref="OpenEmbeddingException">As in <see cref="Save"/>.</exception>
    public void SaveWeights(string folder) => SaveNow(folder, slots: false, state: null);

    /// <summary>Takes back what <see cref="Save"/> wrote, on any number of servers and trainers; call it before the first forward pass.</summary>
    /// <param name="path">A folder, of which the newest whole checkpoint is taken, or the manifest of one.</param>
    /// <remarks>
    /// With another optimizer the weights are kept and its state starts anew, which the first trainer says on standard error. The options of the
    /// optimizer, as its learning rate, are the program's.
    /// </remarks>
    /// <exception cref="OpenEmbeddingException">There is no such checkpoint, it is damaged, of another model, or has weights alone.</exception>
    public LoadedCheckpoint Load(string path) => LoadFrom(path, slots: true);

    /// <summary>Takes the weights of a checkpoint, of <see cref="Save"/>, <see cref="SaveWeights"/> or <c>oe-train</c>; training begins at step 0.</summary>
    /// <param name="path">As in <see cref="Load"/>.</param>
    /// <exception cref="OpenEmbeddingException">There is no such checkpoint, it is damaged, or of another model.</exception>
    public void LoadWeights(string path) => LoadFrom(path, slots: false);

    /// <summary>Tells whether a folder has a checkpoint, as the first trainer sees it, so that a program can begin or go on.</summary>
    public bool HasCheckpoint(string folder)
    {
        Span<int> flag = [Rank == 0 && CheckpointDirectory.NewestIn(folder) is not null ? 1 : 0];
        Trainers.AllReduce(flag, ReduceOperation.Max);
        return flag[0] != 0;
    }

    /// <summary>Opens a folder for writing on the first trainer; null on the others.</summary>
    /// <exception cref="OpenEmbeddingException">It is in use, not writable, or has a checkpoint of a later step, which a load would take.</exception>
    internal CheckpointDirectory? OpenToSave(string folder) => Together(() =>
    {
        if (Rank != 0)
        {
            return null;
        }

        CheckpointDirectory directory = CheckpointDirectory.OpenForWriting(folder);
        if (directory.NewestManifest(Skipped) is { } newest && CheckpointDirectory.StepOf(newest) > Step)
        {
            directory.Dispose();
            throw new OpenEmbeddingException(
                $"{newest} is there already, and would stay newer than step {Step}, which is to be saved; load it, remove it, or save to another folder",
                JobExitCode.Configuration);
        }

        return directory;
    });

    /// <summary>What the first trainer writes, as it is when asked.</summary>
    internal Func<CheckpointContent> Content(bool slots, double? metric, JsonObject? state)
    {
        DenseState dense = Dense;
        optim.Optimizer optimizer = Optimizer;
        return () => new CheckpointContent(
            dense.Export(slots ? optimizer : null),
            new ProgramState { Optimizer = slots ? OptimizerName : null, Metric = metric, State = state }.ToJson());
    }

    private void SaveNow(string folder, bool slots, JsonObject? state)
    {
        Func<CheckpointContent> content = Content(slots, metric: null, state);
        using CheckpointDirectory? directory = OpenToSave(folder);
        var writer = new CheckpointWriter(directory, keep: int.MaxValue, increments: 1, Store, Path.GetFullPath(folder));
        Together(() =>
        {
            writer.Begin(Step, slots, content);
            string? line = writer.Finish();
            writer.ThrowIfLastFailed();
            return line;
        });
    }

    private LoadedCheckpoint LoadFrom(string path, bool slots)
    {
        optim.Optimizer optimizer = Optimizer;
        if (!_served!.IsUntouched)
        {
            throw new OpenEmbeddingException("a checkpoint is loaded once, before the first forward pass", JobExitCode.Configuration);
        }

        CheckedCheckpoint first = Together(() => Check(CheckpointSource.OpenForReading(path), slots));
        var loader = new CheckpointLoader(this, new CheckpointParts(Rows: true, slots, Dense: true));
        (CheckpointSource source, DenseArrays? dense) = loader.Load(first, older => Check(older, slots), checkpoint => TellNotes(checkpoint, slots));
        Together(() => Dense.Import(dense!, slots ? optimizer : null));
        _served.IsLoaded = true;
        Skipped = source.Skipped;
        _loadedSteps = slots ? source.Manifest.Step : 0;
        return new LoadedCheckpoint(source.ManifestPath, source.Manifest.Step, ProgramState.Of(source.Manifest.Training)?.State);
    }

    private CheckedCheckpoint Check(CheckpointSource source, bool slots) =>
        slots && ProgramState.Of(source.Manifest.Training)?.Optimizer is null
            ? throw new OpenEmbeddingException(
                $"{source.ManifestPath} is not of cluster.Save, so that training cannot go on from it; LoadWeights takes its weights", JobExitCode.Configuration)
            : source.Check(_served!.Tables);

    private void TellNotes(CheckedCheckpoint checkpoint, bool slots)
    {
        if (!slots)
        {
            return;
        }

        foreach (string note in checkpoint.Notes)
        {
            RankFailure.Say(note);
        }

        string saved = ProgramState.Of(checkpoint.Source.Manifest.Training)!.Optimizer!;
        if (saved != OptimizerName)
        {
            RankFailure.Say($"Dense weights: saved with {saved}, trained with {OptimizerName}; weights are kept, the state of the optimizer starts anew.");
        }
    }
}

/// <summary>A checkpoint from which training goes on.</summary>
/// <param name="Manifest">The path of its manifest.</param>
/// <param name="Step">Steps trained.</param>
/// <param name="State">What the program gave to <see cref="Cluster.Save"/>.</param>
public sealed record LoadedCheckpoint(string Manifest, long Step, JsonObject? State);
