namespace OpenEmbedding.Collectives.Tests;

/// <summary>Threads that help with pieces of work.</summary>
public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_piece_is_done_once_and_before_the_call_returns(int threads)
    {
        using var team = new WorkerTeam(threads, "test");
        int[] done = new int[100];
        for (int work = 1; work <= 2000; work++)
        {
            int pieces = work % done.Length;
            Array.Clear(done);

            team.Do(pieces, piece => done[piece]++);

            Assert.All(done[..pieces], times => Assert.Equal(1, times));
            Assert.All(done[pieces..], times => Assert.Equal(0, times));
        }
    }

    [Fact]
    public void Helpers_help()
    {
        using var team = new WorkerTeam(3, "test");
        using var together = new Barrier(3);

        // Ends only if three threads are in a piece at the same time.
        team.Do(3, _ => Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void The_first_piece_that_fails_is_what_the_call_throws_and_the_team_goes_on(int threads)
    {
        using var team = new WorkerTeam(threads, "test");

        for (int work = 0; work < 200; work++)
        {
            var failure = Assert.Throws<InvalidOperationException>(() => team.Do(20, Fail));
            Assert.Equal("piece 7", failure.Message);
        }

        int done = 0;
        team.Do(20, _ => Interlocked.Increment(ref done));
        Assert.Equal(20, done);

        static void Fail(int piece)
        {
            if (piece >= 7)
            {
                throw new InvalidOperationException($"piece {piece}");
            }
        }
    }

    [Fact]
    public void A_team_without_threads_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerTeam(0, "test"));
}
