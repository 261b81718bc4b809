using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What a trainer opens before training: data, the checkpoint to load, and the folders to write to, which only the first trainer has.</summary>
internal sealed record JobInputs(
    TrainingData Data, CheckpointSource? Source, TrainingState? State, CheckpointDirectory? Checkpoints, CheckpointDirectory? Model) : IDisposable
{
    /// <summary>Opens everything.</summary>
    /// <exception cref="OpenEmbeddingException">A file or folder is missing, damaged, of another model, or in use by another job.</exception>
    public static JobInputs Open(JobOptions options, int trainer, int trainers)
    {
        var data = new TrainingData(options, trainer, trainers);
        CheckpointSource? source = options.Load.From is { } from ? CheckpointSource.OpenForReading(from) : null;
        TrainingState? state = null;
        if (source is not null)
        {
            if (options.Load.Part != LoadPart.Dense)
            {
                _ = source.Check(TableLayout.Create(options).Tables);
            }

            state = options.Load.Part == LoadPart.All ? TrainingState.Of(source.Manifest.Training) : null;
            CheckPlace(source, state, options, trainers);
        }

        CheckpointDirectory? checkpoints = OpenFolder(options.Checkpoint.Directory, trainer);
        if (checkpoints?.NewestManifest is { } newest && newest != source?.ManifestPath)
        {
            throw new OpenEmbeddingException(
                $"{newest} is there already, and would stay newer than what this job saves; load it, remove it, or give checkpoint.directory another folder",
                JobExitCode.Configuration);
        }

        CheckpointDirectory? model = OpenFolder(options.Output.Model, trainer);
        return model?.NewestManifest is { } other
            ? throw new OpenEmbeddingException(
                $"{other} is there already; remove it, or give output.model another folder", JobExitCode.Configuration)
            : new JobInputs(data, source, state, checkpoints, model);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Checkpoints?.Dispose();
        Model?.Dispose();
    }

    private static CheckpointDirectory? OpenFolder(string? path, int trainer) =>
        path is not null && trainer == 0 ? CheckpointDirectory.OpenForWriting(path) : null;

    // Whole files belong to a trainer, so the place of each in its own means nothing to another number of them.
    private static void CheckPlace(CheckpointSource source, TrainingState? state, JobOptions options, int trainers)
    {
        if (state is not { RowsOfEpoch: > 0 })
        {
            return;
        }

        if (state.Shard != options.Data.Shard || (state.Shard == ShardRule.Files && state.Losses.Length != trainers))
        {
            string rule = state.Shard.ToString().ToLowerInvariant();
            throw new OpenEmbeddingException(
                $"{source.ManifestPath} is of the middle of an epoch of {state.Losses.Length} trainers with data.shard = \"{rule}\", this job has {trainers} "
                + $"with \"{options.Data.Shard.ToString().ToLowerInvariant()}\"; allowed: the same, a checkpoint of the end of an epoch, or load.part = \"weights\"",
                JobExitCode.Configuration);
        }
    }
}
