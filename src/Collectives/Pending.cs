using System.Runtime.ExceptionServices;

namespace OpenEmbedding.Collectives;

/// <summary>A collective operation that was started and may not be complete; its buffers stay in place until it is.</summary>
public sealed class Pending : IWaitCondition
{
    private readonly IWaiting? _waiting;
    private Exception? _failure;
    private volatile bool _completed;

    internal Pending(IWaiting? waiting)
    {
        _waiting = waiting;
    }

    /// <summary>Whether the operation is over; <see cref="Wait"/> then returns or throws at once.</summary>
    public bool IsCompleted => _completed;

    bool IWaitCondition.IsMet => _completed;

    /// <summary>An operation that was complete when it was asked for.</summary>
    internal static Pending Done { get; } = CreateDone();

    /// <summary>Waits until the operation is over; any thread may, and several.</summary>
    /// <exception cref="OpenEmbeddingException">The operation failed.</exception>
    public void Wait()
    {
        if (!_completed)
        {
            _waiting!.Wait(this);
        }

        if (_failure != null)
        {
            ExceptionDispatchInfo.Throw(_failure);
        }
    }

    internal void Complete(Exception? failure = null)
    {
        _failure = failure;
        _completed = true;
    }

    private static Pending CreateDone()
    {
        var done = new Pending(null);
        done.Complete();
        return done;
    }
}
