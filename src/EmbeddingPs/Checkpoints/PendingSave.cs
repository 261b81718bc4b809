using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>What a store wrote: the parts of a manifest that it knows.</summary>
/// <param name="Tables">What each table is.</param>
/// <param name="Servers">The segments of each server, oldest first.</param>
public sealed record SaveResult(IReadOnlyList<CheckpointTable> Tables, IReadOnlyList<IReadOnlyList<CheckpointSegment>> Servers);

/// <summary>A save under way.</summary>
public abstract class PendingSave
{
    /// <summary>Whether <see cref="Wait"/> would return at once.</summary>
    public abstract bool IsCompleted { get; }

    /// <summary>Waits until every server has written its files; called once.</summary>
    /// <exception cref="OpenEmbeddingException">A server could not write; training can go on, and earlier checkpoints are as they were.</exception>
    public abstract SaveResult Wait();

    private protected static SaveResult ResultOf(SaveRequest request, IReadOnlyList<TableOptions> tables, IReadOnlyList<SavedSegments> saved)
    {
        return saved.FirstOrDefault(server => server.Problem is not null) is { Problem: { } problem }
            ? throw new OpenEmbeddingException(problem)
            : new SaveResult([.. tables.Select(table => CheckpointTable.Of(table, request.Slots))], [.. saved.Select(server => server.Segments)]);
    }
}

/// <summary>A save that is over.</summary>
internal sealed class FinishedSave(SaveRequest request, IReadOnlyList<TableOptions> tables, IReadOnlyList<SavedSegments> saved) : PendingSave
{
    public override bool IsCompleted => true;

    public override SaveResult Wait() => ResultOf(request, tables, saved);
}
