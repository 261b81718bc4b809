namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Where a server keeps rows.</summary>
public enum StorageKind
{
    /// <summary>All rows in memory.</summary>
    Memory,

    /// <summary>Rows in use in memory, the others in files of a local folder.</summary>
    Tiered,
}

/// <summary>The memory and the folder of a server's tiered tables.</summary>
/// <param name="Path">A folder on a local disk; made if it is not there. Servers may share it: files are named by table and server.</param>
/// <param name="CacheBytes">Bytes of memory for rows, of all tables of the server together, at least 1.</param>
public sealed record StorageOptions(string Path, long CacheBytes);

/// <summary>One table's part of <see cref="StorageOptions"/>.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Rows">The most rows in memory, at least 1.</param>
internal sealed record TableStorage(string Path, long Rows);
