namespace OpenEmbedding.Collectives;

/// <summary>A part of the work that the engine drives; called only by the thread that drives.</summary>
internal interface IPolled
{
    /// <summary>Whether something is under way or may arrive.</summary>
    bool HasWork { get; }

    /// <summary>Makes one round of progress without waiting; true when something was completed, started or received.</summary>
    bool Poll();
}
