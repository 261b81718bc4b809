namespace OpenEmbedding.Trainer.Training;

/// <summary>A signal that asks the job to end; while training saves checkpoints, the first one ends it behind a last checkpoint.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class Interruption
{
    private volatile string? _signal;
    private volatile bool _deferred;

    /// <summary>Whether a first signal waits for a checkpoint instead of ending the job at once.</summary>
    public bool Deferred
    {
        get => _deferred;
        set => _deferred = value;
    }

    /// <summary>The signal that came, null before.</summary>
    public string? Signal => _signal;

    /// <summary>Notes a signal.</summary>
    /// <returns>Whether the job has time for a checkpoint; else it ends at once.</returns>
    public bool Note(string signal)
    {
        bool first = _signal is null;
        _signal ??= signal;
        return _deferred && first;
    }
}
