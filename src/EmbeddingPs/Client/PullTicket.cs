namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>A pull under way; its rows can be copied out once it is complete, and its gradients pushed.</summary>
/// <remarks>Any thread may wait. Dispose it after its push: that gives its buffers back; at any time before, that abandons it.</remarks>
public abstract class PullTicket : IDisposable
{
    private protected PullTicket(long step, PullMode mode)
    {
        Step = step;
        Mode = mode;
    }

    /// <summary>The step that the rows are for.</summary>
    public long Step { get; }

    /// <summary>Whether the rows are to be trained.</summary>
    public PullMode Mode { get; }

    /// <summary>Whether <see cref="Wait"/> would return at once.</summary>
    public abstract bool IsCompleted { get; }

    /// <summary>Waits until every server has answered.</summary>
    /// <exception cref="OpenEmbedding.Collectives.OpenEmbeddingException">A server failed; its message names rank, table and step.</exception>
    public abstract void Wait();

    /// <summary>Copies the rows of one table; waits for them first.</summary>
    /// <param name="section">The section, by index in the list given to the pull.</param>
    /// <param name="tableOfSection">The table, by index in <see cref="PullSection.Tables"/>.</param>
    /// <param name="destination">Receives [keys, Dimension] of the table's element type in the order of <see cref="KeyBatch.Keys"/>.</param>
    public abstract void CopyRows(int section, int tableOfSection, nint destination);

    /// <inheritdoc/>
    public abstract void Dispose();
}
