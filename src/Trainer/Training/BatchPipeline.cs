using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Reads batches and plans their keys on a thread of its own, a few batches ahead of the trainer.</summary>
internal sealed class BatchPipeline : IDisposable
{
    /// <summary>Batches that are out at once: that of the step and, its pull under way, that of the next.</summary>
    public const int InUse = 2;

    private readonly BatchReader _reader;
    private readonly TableLayout _layout;
    private readonly int _shards;
    private readonly Thread _thread;
    private readonly BlockingCollection<StepPlan> _free = [];
    private readonly BlockingCollection<StepPlan> _ready = [];
    private readonly List<StepPlan> _plans = [];
    private readonly Stack<StepPlan> _spare = [];
    private readonly StepPlan _empty;
    private readonly TimelineLane _timeline;
    private readonly CancellationTokenSource _stop = new();
    private ExceptionDispatchInfo? _failure;
    private int _circulating;
    private int _wanted;

    /// <summary>Starts reading.</summary>
    /// <param name="reader">Where the batches come from; disposed with the pipeline.</param>
    /// <param name="layout">The tables.</param>
    /// <param name="shards">Shards of every table.</param>
    /// <param name="prefetch">Batches read ahead of the trainer; see <see cref="SetPrefetch"/>.</param>
    /// <param name="timeline">Where the thread shows what it does.</param>
    public BatchPipeline(BatchReader reader, TableLayout layout, int shards, int prefetch, TimelineLane timeline)
    {
        _reader = reader;
        _timeline = timeline;
        _layout = layout;
        _shards = shards;
        SetPrefetch(prefetch);
        _empty = new StepPlan(layout, shards, new Batch());
        _thread = new Thread(Read) { IsBackground = true, Name = "batches" };
        _thread.Start();
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
        _wanted = prefetch + InUse;
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
        _thread.Join();
        foreach (StepPlan plan in _plans)
        {
            plan.Dispose();
        }

        _empty.Dispose();
        _reader.Dispose();
        _free.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    private StepPlan NewPlan()
    {
        var plan = new StepPlan(_layout, _shards, new Batch());
        _plans.Add(plan);
        return plan;
    }

    private bool ReadBatch(Batch batch)
    {
        using var read = _timeline.Begin("read batch");
        return _reader.Read(batch);
    }

    private void Read()
    {
        try
        {
            while (true)
            {
                StepPlan plan = _free.Take(_stop.Token);
                if (!ReadBatch(plan.Batch))
                {
                    break;
                }

                using (_timeline.Begin("plan keys"))
                {
                    plan.PlanKeys();
                }

                _ready.Add(plan);
            }
        }
        catch (OperationCanceledException)
        {
            // The trainer has all the steps it wants.
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
        }
        finally
        {
            _ready.CompleteAdding();
        }
    }
}
