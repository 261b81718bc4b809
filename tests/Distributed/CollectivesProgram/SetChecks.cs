namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Process sets: halves of the job, one rank alone, a reversed order, and operations of several sets at once.</summary>
internal static class SetChecks
{
    internal static void Run(Communication communication)
    {
        var size = communication.Size;
        var even = communication.CreateProcessSet([.. Enumerable.Range(0, size).Where(rank => rank % 2 == 0)]);
        var odd = communication.CreateProcessSet([.. Enumerable.Range(0, size).Where(rank => rank % 2 == 1)]);
        var reversed = communication.CreateProcessSet([.. Enumerable.Range(0, size).Reverse()]);
        var alone = communication.CreateProcessSet([size - 1]);
        var mine = communication.Rank % 2 == 0 ? even : odd;
        var other = communication.Rank % 2 == 0 ? odd : even;

        Check.Equal(communication.Rank / 2, mine.Rank, "rank in the half");
        Check.Equal(-1, other.Rank, "rank in the other half");
        Check.Equal(size - 1 - communication.Rank, reversed.Rank, "rank in the reversed set");
        Check.Throws<InvalidOperationException>(() => other.Barrier(), "an operation of a set of others");
        Check.Throws<ArgumentException>(() => communication.CreateProcessSet([0, 0]), "a set with one rank twice");

        CollectiveChecks.Run(mine);
        CollectiveChecks.Run(reversed);
        if (alone.IsMember)
        {
            CollectiveChecks.Run(alone);
        }

        Check.Equal<int>(
            [.. Enumerable.Range(0, size).Reverse()], reversed.AllGather<int>([communication.Rank]), "order of the reversed set");
        communication.World.Barrier();
    }
}
