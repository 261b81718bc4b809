namespace OpenEmbedding.Collectives.Tests;

/// <summary>Who drives when several threads wait: every wait ends, whoever made the progress.</summary>
public sealed class EngineTests
{
    [Fact]
    public void Waiter_drives_until_its_condition_is_met()
    {
        var work = new Countdown(steps: 100);
        new Engine(work).Wait(work.At(100));
        Assert.Equal(100, work.Done);
    }

    [Fact]
    public void Every_waiter_ends_without_a_thread_of_the_engine()
    {
        var work = new Countdown(steps: 20_000);
        var engine = new Engine(work);
        WaitForAll(engine, work, waiters: 8, conditions: 2_500);
    }

    [Fact]
    public void Every_waiter_ends_beside_the_thread_of_the_engine()
    {
        var work = new Countdown(steps: 20_000);
        var engine = new Engine(work);
        engine.StartThread();
        WaitForAll(engine, work, waiters: 8, conditions: 2_500);
        engine.StopThread();
    }

    [Fact]
    public void Thread_drives_while_nobody_waits()
    {
        var reached = new ManualResetEventSlim();
        var work = new Countdown(steps: 1000) { Finished = reached.Set };
        var engine = new Engine(work);
        engine.StartThread();
        Assert.True(reached.Wait(TimeSpan.FromSeconds(30)));
        engine.StopThread();
    }

    [Fact]
    public void Signal_wakes_a_parked_waiter_whose_condition_was_met_elsewhere()
    {
        var forever = new Countdown(steps: int.MaxValue);
        var engine = new Engine(forever);
        var stop = new Flag();
        var outside = new Flag();
        var driver = new Thread(() => engine.Wait(stop));
        driver.Start();
        var parked = new Thread(() => engine.Wait(outside));
        parked.Start();
        outside.IsMet = true;
        engine.Signal();
        parked.Join();
        stop.IsMet = true;
        driver.Join();
    }

    [Fact]
    public void Failure_of_the_work_ends_every_wait()
    {
        var engine = new Engine(new Failing());
        var errors = new Exception?[3];
        var threads = Enumerable.Range(0, 3)
            .Select(i => new Thread(() => errors[i] = Record.Exception(() => engine.Wait(new Flag()))))
            .ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(errors, error => Assert.Equal("the link is down", Assert.IsType<OpenEmbeddingException>(error).Message));
    }

    [Fact]
    public void Exclusive_call_waits_for_the_driver()
    {
        var work = new Countdown(steps: 5000);
        var engine = new Engine(work);
        var waiter = new Thread(() => engine.Wait(work.At(5000)));
        waiter.Start();
        for (var i = 0; i < 100; i++)
        {
            engine.Exclusive(() =>
            {
                work.AssertNotPolled();
                return 0;
            });
        }

        waiter.Join();
    }

    private static void WaitForAll(Engine engine, Countdown work, int waiters, int conditions)
    {
        var threads = Enumerable.Range(0, waiters)
            .Select(waiter => new Thread(() =>
            {
                for (var i = 1; i <= conditions; i++)
                {
                    engine.Wait(work.At((i * waiters) - waiter));
                }
            }))
            .ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Equal(waiters * conditions, work.Done);
    }

    /// <summary>Work of which each poll does one step; two polls at once are an error.</summary>
    private sealed class Countdown(int steps) : IPolled
    {
        private int _polling;
        private volatile int _done;

        public Action? Finished { get; init; }

        public int Done => _done;

        public bool HasWork => _done < steps;

        public bool Poll()
        {
            Assert.Equal(0, Interlocked.Exchange(ref _polling, 1));
            var progress = _done < steps;
            if (progress && ++_done == steps)
            {
                Finished?.Invoke();
            }

            Volatile.Write(ref _polling, 0);
            return progress;
        }

        public void AssertNotPolled()
        {
            Assert.Equal(0, Interlocked.Exchange(ref _polling, 1));
            Volatile.Write(ref _polling, 0);
        }

        public IWaitCondition At(int step) => new Reached(this, step);

        private sealed class Reached(Countdown work, int step) : IWaitCondition
        {
            public bool IsMet => work._done >= step;
        }
    }

    private sealed class Flag : IWaitCondition
    {
        private volatile bool _isMet;

        public bool IsMet
        {
            get => _isMet;
            set => _isMet = value;
        }
    }

    private sealed class Failing : IPolled
    {
        public bool HasWork => true;

        public bool Poll() => throw new OpenEmbeddingException("the link is down", JobExitCode.Cluster);
    }
}
