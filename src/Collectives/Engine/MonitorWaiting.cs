namespace OpenEmbedding.Collectives;

/// <summary>Waits without MPI: asleep until a signal.</summary>
internal sealed class MonitorWaiting : IWaiting
{
    private readonly object _gate = new();

    public void Wait(IWaitCondition condition)
    {
        lock (_gate)
        {
            while (!condition.IsMet)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    public void Signal()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
