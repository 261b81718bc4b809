using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Tuning;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// What the trainers tell each other about every step, one step ahead and while the step before it runs: how many samples each brings,
/// and the losses so far. The epoch ends when nobody has a batch; a trainer that has run out takes part with none.
/// </summary>
internal sealed unsafe class StepAgreement : IDisposable
{
    private const int Length = 8;
    private readonly ProcessSet _trainers;
    private readonly double* _sums = (double*)NativeMemory.AllocZeroed(Length, sizeof(double));
    private Pending? _pending;

    public StepAgreement(ProcessSet trainers)
    {
        _trainers = trainers;
    }

    /// <summary>Samples of all trainers in the step agreed on.</summary>
    public long GlobalRows => (long)_sums[0];

    /// <summary>The sum of the losses that the trainers gave, in nats.</summary>
    public double GlobalLoss => _sums[1];

    /// <summary>Whether any trainer has a batch, which may be one of malformed rows only.</summary>
    public bool GoesOn => _sums[2] > 0;

    /// <summary>Whether any trainer wants a checkpoint before the step.</summary>
    public bool SaveIsDue => _sums[3] > 0;

    /// <summary>Whether any trainer was told to stop before the step.</summary>
    public bool Stops => _sums[4] > 0;

    /// <summary>The settings with which all go on; null where no trainer gave any.</summary>
    public TunedSettings? Settings => _sums[5] > 0 ? new TunedSettings((int)_sums[5], _sums[6], (int)_sums[7]) : null;

    /// <summary>Announces what this trainer has for the next step.</summary>
    /// <param name="rows">Its samples.</param>
    /// <param name="lossSum">The sum of its losses so far in this epoch.</param>
    /// <param name="hasBatch">Whether it has a batch, which may be without samples.</param>
    /// <param name="saves">Whether it wants a checkpoint.</param>
    /// <param name="stops">Whether it was told to stop.</param>
    /// <param name="settings">The settings with which all are to go on; one trainer at most gives them.</param>
    public void Begin(int rows, double lossSum, bool hasBatch, bool saves, bool stops, TunedSettings? settings)
    {
        _sums[0] = rows;
        _sums[1] = lossSum;
        _sums[2] = hasBatch ? 1 : 0;
        _sums[3] = saves ? 1 : 0;
        _sums[4] = stops ? 1 : 0;
        _sums[5] = settings?.FusionBufferMb ?? 0;
        _sums[6] = settings?.CycleTimeMs ?? 0;
        _sums[7] = settings?.Prefetch ?? 0;
        _pending = _trainers.AllReduceAsync("step agreement", (nint)_sums, Length, ElementType.Float64, ReduceOperation.Sum);
    }

    /// <summary>Waits for the others' announcements.</summary>
    public void Complete()
    {
        _pending!.Wait();
        _pending = null;
    }

    public void Dispose()
    {
        _pending?.Wait();
        NativeMemory.Free(_sums);
    }
}
