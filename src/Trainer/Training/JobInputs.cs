using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Observation;
using OpenEmbedding.Trainer.Tuning;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What a trainer opens before training: data, the checkpoint to load, folders and files to write to, and observers, which only the first trainer has.</summary>
internal sealed record JobInputs(
    TrainingData Data, CheckedCheckpoint? Start, CheckpointDirectory? Checkpoints, CheckpointDirectory? Model, ExportFolder? Export, ExportFolder? DenseExport,
    AutotuneLog? AutotuneLog, JobObservers? Observers)
    : IDisposable
{
    /// <summary>Opens everything.</summary>
    /// <exception cref="OpenEmbeddingException">A file or folder is missing, damaged, of another model, or in use by another job.</exception>
    public static JobInputs Open(JobOptions options, int trainer, int trainers)
    {
        var data = new TrainingData(options, trainer, trainers);
        CheckedCheckpoint? start = options.Load.From is { } from
            ? StartingPoint.Check(CheckpointSource.OpenForReading(from), options, trainers)
            : null;
        CheckpointDirectory? checkpoints = OpenFolder(options.Checkpoint.Directory, trainer);
        if (checkpoints?.NewestManifest(start?.Source.Skipped ?? []) is { } newest && newest != start?.Source.ManifestPath)
        {
            throw new OpenEmbeddingException(
                $"{newest} is there already, and would stay newer than what this job saves; load it, remove it, or give checkpoint.directory another folder",
                JobExitCode.Configuration);
        }

        ExportFolder? export = options.Output.Export is { } path && trainer == 0 ? new ExportFolder(path) : null;
        ExportFolder? dense = options.Output.ExportDense is { } densePath && trainer == 0 ? new ExportFolder(densePath, "output.export_dense") : null;
        CheckpointDirectory? model = OpenFolder(options.Output.Model, trainer);
        return model?.NewestManifest([]) is { } other
            ? throw new OpenEmbeddingException(
                $"{other} is there already; remove it, or give output.model another folder", JobExitCode.Configuration)
            : new JobInputs(data, start, checkpoints, model, export, dense, OpenLog(options.Autotune, trainer), trainer == 0 ? JobObservers.Open(options, trainers) : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Checkpoints?.Dispose();
        Model?.Dispose();
        AutotuneLog?.Dispose();
        Observers?.Dispose();
    }

    private static AutotuneLog? OpenLog(AutotuneOptions options, int trainer) =>
        options is { Enabled: true, Log: { } path } && trainer == 0 ? AutotuneLog.Create(path) : null;

    private static CheckpointDirectory? OpenFolder(string? path, int trainer) =>
        path is not null && trainer == 0 ? CheckpointDirectory.OpenForWriting(path) : null;
}
