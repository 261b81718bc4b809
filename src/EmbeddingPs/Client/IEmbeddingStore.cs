using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>Where a trainer's embeddings are: pulls their rows, pushes their gradients.</summary>
/// <remarks>
/// Every trainer of the job has one and makes the same tables. Steps are numbered from 0, on over epochs; every trainer pushes every step once.
/// Pulls may be begun and waited for by several threads; pushes come one after the other.
/// </remarks>
public interface IEmbeddingStore : IDisposable
{
    /// <summary>The number of shards, for <see cref="KeyBatch.Plan"/>.</summary>
    int Shards { get; }

    /// <summary>Bytes that this trainer exchanged.</summary>
    TrafficCounters Traffic { get; }

    /// <summary>Makes all tables; every trainer calls it once, before its first pull, with equal tables.</summary>
    /// <param name="tables">Their order gives the indices by which pulls name them.</param>
    void CreateTables(IReadOnlyList<TableOptions> tables);

    /// <summary>Asks for rows; sends at once and does not wait.</summary>
    /// <param name="step">The step that the rows are for. Rows to be trained come once step − 1 − staleness is applied, rows to be
    /// evaluated once all steps before this one are applied; the pull may be begun earlier.</param>
    /// <param name="mode">Whether the rows are to be trained.</param>
    /// <param name="sections">Keys and their tables; any number, also none.</param>
    /// <exception cref="OpenEmbedding.Collectives.OpenEmbeddingException">A key is out of range.</exception>
    PullTicket BeginPull(long step, PullMode mode, IReadOnlyList<PullSection> sections);

    /// <summary>Sends the gradients of a step, once per step and trainer, also when there are none; waits for the rows of its tickets, not for the update.</summary>
    /// <param name="step">One more than that of the push before; 0 at first.</param>
    /// <param name="blocks">Gradients of pulls of this step, each ticket at most once; rows of pulls left out do not move.</param>
    void Push(long step, IReadOnlyList<GradientBlock> blocks);

    /// <summary>Rows, bytes and requests of every table and server, by table and then by server; waits for the pushes before it.</summary>
    IReadOnlyList<TableStatistics> GetStatistics();

    /// <summary>Reads every stored row of a table, in no particular order; waits for the pushes before it.</summary>
    /// <param name="table">The table by index of creation.</param>
    /// <param name="chunk">Receives keys [n] and weights, n · Dimension elements of the table's type as bytes, until all rows were given.</param>
    void ReadTable(int table, Action<long[], byte[]> chunk);

    /// <summary>Starts to write all tables as they are after the steps pushed so far; every trainer calls it in the same place between two pushes.</summary>
    /// <param name="request">Where to; the same on every trainer.</param>
    /// <returns>What the first trainer waits for before it commits the manifest; on the others it is complete and empty.</returns>
    PendingSave BeginSave(SaveRequest request);

    /// <summary>
    /// Takes the rows of a checkpoint in the place of those that are there; every trainer calls it after <see cref="CreateTables"/> and before its
    /// first pull, and all meet afterwards to learn whether any found damage.
    /// </summary>
    /// <param name="request">What to load; the same on every trainer.</param>
    /// <returns>
    /// Which file is damaged and how, one line; the rows are then not to be used, but another checkpoint can be loaded. Null if none was found here;
    /// what a server found, the first trainer alone hears.
    /// </returns>
    /// <exception cref="OpenEmbedding.Collectives.OpenEmbeddingException">A key is out of a table's range, or a server failed.</exception>
    string? Load(LoadRequest request);
}
