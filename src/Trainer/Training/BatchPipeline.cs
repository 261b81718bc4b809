using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Reads batches on a thread for each reader and plans their keys on another, a few batches ahead of the trainer.</summary>
internal sealed class BatchPipeline : IDisposable
{
    /// <summary>Batches that are out at once: that of the step and, its pull under way, that of the next.</summary>
    public const int InUse = 2;

    private readonly IReadOnlyList<BatchReader> _readers;
    private readonly TableLayout _layout;
    private readonly int _shards;
    private readonly HostMemory _memory;
    private readonly WorkerTeam _team;
    private readonly List<Thread> _running = [];
    private readonly BlockingCollection<StepPlan> _free = [];

    // Of each reader the batches that it has read, in order, what ended it if not the end of its rows, and whether the next free plan is for it.
    private readonly BlockingCollection<StepPlan>[] _read;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly SemaphoreSlim[] _turns;
    private readonly BlockingCollection<StepPlan> _ready = [];
    private readonly List<StepPlan> _plans = [];
    private readonly Stack<StepPlan> _spare = [];
    private readonly StepPlan _empty;
    private readonly TimelineLane[] _timelines;
    private readonly TimelineLane _planTimeline;
    private readonly CancellationTokenSource _stop = new();
    private volatile ExceptionDispatchInfo? _failure;
    private int _circulating;
    private int _wanted;

    /// <summary>Starts reading.</summary>
    /// <param name="readers">Where the batches come from, one of each in turn; disposed with the pipeline.</param>
    /// <param name="layout">The tables.</param>
    /// <param name="shards">Shards of every table.</param>
    /// <param name="prefetch">Batches read ahead of the trainer; see <see cref="SetPrefetch"/>.</param>
    /// <param name="memory">Where the batches keep what goes to the device that computes.</param>
    /// <param name="threads">Threads that plan keys, 1 or more.</param>
    /// <param name="timeline">Makes the rows of the timeline on which the threads show what they do.</param>
    public BatchPipeline(
        IReadOnlyList<BatchReader> readers, TableLayout layout, int shards, int prefetch, HostMemory memory, int threads, Func<string, TimelineLane> timeline)
    {
        _team = new WorkerTeam(threads, "plans");
        _memory = memory;
        _readers = readers;
        _read = [.. readers.Select(_ => new BlockingCollection<StepPlan>())];
        _failures = new ExceptionDispatchInfo?[readers.Count];
        _turns = [.. readers.Select((_, reader) => new SemaphoreSlim(reader == 0 ? 1 : 0))];
        _timelines = [.. readers.Select((_, reader) => timeline(reader == 0 ? "batches" : $"batches {reader + 1}"))];
        _planTimeline = timeline("plans");
        _layout = layout;
        _shards = shards;
        SetPrefetch(prefetch);
        _empty = new StepPlan(layout, shards, new Batch(), memory);
        for (int i = 0; i < readers.Count; i++)
        {
            int reader = i;
            Start($"batches {reader}", () => Read(reader), failure => _failures[reader] = failure, _read[reader]);
        }

        Start("plans", Plan, failure => _failure = failure, _ready);
    }

    /// <summary>Waits for the next batch, which is without samples when all its rows were malformed; <see cref="Empty"/>, again and again, after the last.</summary>
    /// <exception cref="Collectives.OpenEmbeddingException">The reader met a row or a key that it must not pass over.</exception>
    public StepPlan Next()
    {
        if (_ready.TryTake(out StepPlan? plan, Timeout.Infinite))
        {
            return plan;
        }

        _failure?.Throw();
        return _empty;
    }

    /// <summary>The batch that takes part without samples.</summary>
    public StepPlan Empty => _empty;

    /// <summary>Changes how many batches are read ahead, 0 or more; their order and content stay. Batches that were read are trained before there are fewer.</summary>
    public void SetPrefetch(int prefetch)
    {
        // Where there are cores for it, each reader has a batch of its own while another is planned.
        _wanted = prefetch + InUse + (_team.Threads > 1 ? _readers.Count : 0);
        while (_circulating < _wanted)
        {
            _free.Add(_spare.TryPop(out StepPlan? plan) ? plan : NewPlan());
            _circulating++;
        }

        while (_circulating > _wanted && _free.TryTake(out StepPlan? plan))
        {
            _spare.Push(plan);
            _circulating--;
        }
    }

    /// <summary>Gives a batch back for reuse.</summary>
    public void Return(StepPlan plan)
    {
        plan.Release();
        if (plan == _empty)
        {
            return;
        }

        if (_circulating > _wanted)
        {
            _spare.Push(plan);
            _circulating--;
        }
        else
        {
            _free.Add(plan);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _running.ForEach(thread => thread.Join());
        foreach (StepPlan plan in _plans)
        {
            plan.Dispose();
        }

        _empty.Dispose();
        _free.Dispose();
        for (int reader = 0; reader < _readers.Count; reader++)
        {
            _readers[reader].Dispose();
            _read[reader].Dispose();
            _turns[reader].Dispose();
        }

        _ready.Dispose();
        _team.Dispose();
        _stop.Dispose();
    }

    private StepPlan NewPlan()
    {
        var plan = new StepPlan(_layout, _shards, new Batch(), _memory);
        _plans.Add(plan);
        return plan;
    }

    private void Read(int reader)
    {
        while (true)
        {
            // Plans go to the batches in their order: those that come first never wait for one that a later batch has.
            _turns[reader].Wait(_stop.Token);
            StepPlan plan = _free.Take(_stop.Token);
            _turns[(reader + 1) % _turns.Length].Release();
            using (_timelines[reader].Begin("read batch"))
            {
                if (!_readers[reader].Read(plan.Batch))
                {
                    return;
                }
            }

            _read[reader].Add(plan);
        }
    }

    private void Plan()
    {
        int reader = 0;
        while (_read[reader].TryTake(out StepPlan? plan, Timeout.Infinite, _stop.Token))
        {
            using (_planTimeline.Begin("plan keys"))
            {
                plan.PlanKeys(_team);
            }

            _ready.Add(plan);
            reader = (reader + 1) % _readers.Count;
        }

        _failures[reader]?.Throw();
    }

    /// <summary>Starts a thread; when its work ends, well or not, nothing more comes to its output.</summary>
    private void Start(string name, Action work, Action<ExceptionDispatchInfo> fail, BlockingCollection<StepPlan> output)
    {
        var thread = new Thread(() =>
        {
            try
            {
                work();
            }
            catch (OperationCanceledException)
            {
                // The trainer has all the steps it wants.
            }
            catch (Exception failure)
            {
                fail(ExceptionDispatchInfo.Capture(failure));
            }
            finally
            {
                output.CompleteAdding();
            }
        })
        { IsBackground = true, Name = name };
        _running.Add(thread);
        thread.Start();
    }
}
