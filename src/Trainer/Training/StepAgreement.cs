using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// What the trainers tell each other about every step, one step ahead and while the step before it runs: how many samples each brings,
/// and the losses so far. A step to which nobody brings a sample ends the epoch; a trainer that has run out takes part with none.
/// </summary>
internal sealed unsafe class StepAgreement : IDisposable
{
    private const int Length = 2;
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

    /// <summary>Announces this trainer's samples for the next step and the sum of its losses so far in this epoch.</summary>
    public void Begin(int rows, double lossSum)
    {
        _sums[0] = rows;
        _sums[1] = lossSum;
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
