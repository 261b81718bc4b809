using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Checkpoints;

/// <summary>What is taken of a checkpoint.</summary>
/// <param name="Rows">Whether the rows are.</param>
/// <param name="Slots">Whether their slots are too.</param>
/// <param name="Dense">Whether the file of the dense weights is read.</param>
internal sealed record CheckpointParts(bool Rows, bool Slots, bool Dense);

/// <summary>Takes a checkpoint, or the one before where files of it are damaged; all trainers take the same.</summary>
/// <param name="cluster">The trainers, whose store has its tables.</param>
/// <param name="parts">What is taken.</param>
internal sealed class CheckpointLoader(Cluster cluster, CheckpointParts parts)
{
    private int _told;

    /// <summary>Takes the rows and reads the dense weights; every trainer calls it, and what is passed over is a line on standard error.</summary>
    /// <param name="first">The checkpoint to begin with.</param>
    /// <param name="check">Checks an older one, as <paramref name="first"/> was.</param>
    /// <param name="announce">Hears of each that is tried, on the first trainer.</param>
    /// <returns>The checkpoint that was taken, and its dense weights if they are wanted.</returns>
    /// <exception cref="OpenEmbeddingException">All are damaged, or this one and no folder was given; the message is that of the first.</exception>
    public (CheckpointSource Source, DenseArrays? Dense) Load(
        CheckedCheckpoint first, Func<CheckpointSource, CheckedCheckpoint> check, Action<CheckedCheckpoint> announce)
    {
        string? cause = null;
        CheckedCheckpoint? next = first;
        while (next is not null)
        {
            CheckedCheckpoint current = next;
            CheckSame(current.Source);
            if (cluster.Rank == 0)
            {
                TellSkipped(current.Source);
                announce(current);
            }

            (string? damage, DenseArrays? dense) = TryLoad(current);
            if (damage is null)
            {
                return (current.Source, dense);
            }

            cause ??= damage;
            next = cluster.Together(() => current.Source.OpenOlder(damage) is { } older ? check(older) : null);
        }

        return cluster.Together<(CheckpointSource, DenseArrays?)>(() => throw new OpenEmbeddingException(cause!, JobExitCode.Data));
    }

    // Each trainer looked for itself, and another job may write to the folder meanwhile.
    private void CheckSame(CheckpointSource source)
    {
        string[] all = cluster.Trainers.AllGatherObject(Path.GetFileName(source.ManifestPath));
        cluster.Together(() => Array.Find(all, other => other != all[0]) is { } different
            ? throw new OpenEmbeddingException(
                $"the trainers do not find the same checkpoint: {all[0]} and {different}; allowed: a folder that all ranks see alike", JobExitCode.Data)
            : true);
    }

    private void TellSkipped(CheckpointSource source)
    {
        foreach (SkippedCheckpoint skipped in source.Skipped.Skip(_told))
        {
            RankFailure.Say($"{skipped.Problem} The checkpoint {skipped.ManifestPath} is passed over.");
        }

        _told = source.Skipped.Count;
    }

    /// <returns>What is damaged, the same on every trainer.</returns>
    private (string? Damage, DenseArrays? Dense) TryLoad(CheckedCheckpoint checkpoint)
    {
        DenseArrays? dense = null;
        if (parts.Dense)
        {
            string? mine = null;
            try
            {
                dense = Read(checkpoint.Source);
            }
            catch (DamagedCheckpointException e)
            {
                mine = e.Message;
            }

            if (FirstOf(mine) is { } damage)
            {
                return (damage, null);
            }
        }

        var manifest = checkpoint.Source.Manifest;
        var request = new LoadRequest(checkpoint, parts.Slots, parts.Slots && manifest.Training is not null ? manifest.Step : 0);
        return (parts.Rows ? FirstOf(cluster.Store.Load(request)) : null, dense);
    }

    private static DenseArrays Read(CheckpointSource source)
    {
        CheckpointSegment file = source.Manifest.Dense
            ?? throw new OpenEmbeddingException($"{source.ManifestPath} has no dense weights.", JobExitCode.Configuration);
        return new DenseArrays(source.PathOf(file), Safetensors.ReadSegment(source, file));
    }

    private string? FirstOf(string? mine) => Array.Find(cluster.Trainers.AllGatherObject(mine), damage => damage is not null);
}
