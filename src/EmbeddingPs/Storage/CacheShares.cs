using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Deals the memory of a server to its tiered tables: each may keep as many rows as any other, and what a small table does not need goes to the others.</summary>
internal static class CacheShares
{
    /// <summary>The share of each table, null for a table that stays in memory.</summary>
    public static TableStorage?[] Deal(StorageOptions? storage, IReadOnlyList<TableOptions> tables, int shards)
    {
        var shares = new TableStorage?[tables.Count];
        if (storage is null)
        {
            return shares;
        }

        var open = Enumerable.Range(0, tables.Count)
            .Where(table => TieredTable.IsWorthwhile(tables[table]))
            .OrderBy(table => MostRows(tables[table], shards))
            .ToArray();
        double left = storage.CacheBytes;
        for (int i = 0; i < open.Length; i++)
        {
            double bytesOfRows = open[i..].Sum(table => (double)TieredTable.FrameBytes(tables[table]));
            long rows = Math.Min(MostRows(tables[open[i]], shards), Math.Max(1, (long)(left / bytesOfRows)));
            left -= (double)rows * TieredTable.FrameBytes(tables[open[i]]);
            shares[open[i]] = new TableStorage(storage.Path, rows);
        }

        return shares;
    }

    private static long MostRows(TableOptions table, int shards) =>
        table.Kind == TableKind.Array ? ((table.Vocabulary - 1) / shards) + 1 : long.MaxValue;
}
