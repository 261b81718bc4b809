namespace OpenEmbedding.Collectives;

/// <summary>Something that a thread waits for.</summary>
internal interface IWaitCondition
{
    /// <summary>Whether the wait is over; read from several threads.</summary>
    bool IsMet { get; }
}

/// <summary>A way to wait.</summary>
internal interface IWaiting
{
    /// <summary>Returns once the condition is met, or, at the latest, when a signal said that it may be.</summary>
    void Wait(IWaitCondition condition);

    /// <summary>Says that a condition may have become met outside the engine.</summary>
    void Signal();
}
