using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Whether a job can begin from a checkpoint, and where.</summary>
internal static class StartingPoint
{
    /// <summary>The options with the folder of checkpoints as what is loaded, where they ask to resume and rank 0 finds one there.</summary>
    public static JobOptions Resume(JobOptions options, Communication communication)
    {
        if (options.Checkpoint is not { Resume: true, Directory: { } folder })
        {
            return options;
        }

        bool found = communication.World.BroadcastObject(communication.Rank == 0 && CheckpointDirectory.NewestIn(folder) is not null);
        return found ? options with { Load = new LoadOptions { From = folder } } : options;
    }

    /// <summary>Checks that the part of a checkpoint that the configuration names fits the job.</summary>
    /// <exception cref="OpenEmbeddingException">It is of another model, or of a place in the data that these trainers cannot take up.</exception>
    public static CheckedCheckpoint Check(CheckpointSource source, JobOptions options, int trainers)
    {
        CheckedCheckpoint checkpoint = source.Check(options.Load.Part == LoadPart.Dense ? [] : TableLayout.Create(options).Tables);
        CheckPlace(source, StateOf(source, options), options, trainers);
        return checkpoint;
    }

    /// <summary>How far training is; null if it begins at the first epoch.</summary>
    public static TrainingState? StateOf(CheckpointSource source, JobOptions options) =>
        options.Load.Part == LoadPart.All ? TrainingState.Of(source.Manifest.Training) : null;

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

        var order = (state.ShuffleBuffer, state.ShuffleBuffer > 1 ? state.ShuffleSeed : options.Data.ShuffleSeed);
        if (order != (options.Data.ShuffleBuffer, options.Data.ShuffleSeed))
        {
            throw new OpenEmbeddingException(
                $"{source.ManifestPath} is of the middle of an epoch whose rows are in the order of data.shuffle_buffer = {order.Item1} and data.shuffle_seed = {order.Item2}, "
                + $"this job has {options.Data.ShuffleBuffer} and {options.Data.ShuffleSeed}; allowed: the same, a checkpoint of the end of an epoch, or load.part = \"weights\"",
                JobExitCode.Configuration);
        }
    }
}
