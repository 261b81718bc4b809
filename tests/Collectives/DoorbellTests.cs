namespace OpenEmbedding.Collectives.Tests;

/// <summary>A ring ends a sleep, also one that comes between the look for work and the sleep.</summary>
public sealed class DoorbellTests
{
    // So long that a lost ring would be seen as a test that hangs.
    private const int Microseconds = 900_000;

    [Fact]
    public void Ring_before_the_sleep_is_not_lost()
    {
        var bell = new Doorbell();
        for (var i = 0; i < 1000; i++)
        {
            var rings = bell.Rings;
            bell.Ring();
            bell.Sleep(rings, Microseconds);
            Assert.Equal(i + 1, bell.Rings);
        }
    }

    [Fact]
    public void Two_threads_wake_each_other()
    {
        const int Rounds = 2000;
        var bells = new[] { new Doorbell(), new Doorbell() };
        var turn = 0;
        var threads = bells.Select((bell, me) => new Thread(() =>
        {
            for (var round = me; round < 2 * Rounds; round += 2)
            {
                for (var rings = bell.Rings; Volatile.Read(ref turn) != round; rings = bell.Rings)
                {
                    bell.Sleep(rings, Microseconds);
                }

                Volatile.Write(ref turn, round + 1);
                bells[1 - me].Ring();
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Equal(2 * Rounds, turn);
    }

    [Fact]
    public void One_ring_wakes_all_that_sleep()
    {
        var bell = new Doorbell();
        var open = false;
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var rings = bell.Rings; !Volatile.Read(ref open); rings = bell.Rings)
            {
                bell.Sleep(rings, Microseconds);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        Volatile.Write(ref open, true);
        bell.Ring();
        threads.ForEach(thread => thread.Join());
    }
}
