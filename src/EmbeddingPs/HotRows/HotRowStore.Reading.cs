using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <content>What is stored.</content>
public sealed unsafe partial class HotRowStore
{
    private const int ScanBytes = 4 << 20;

    /// <summary>Rows, bytes and requests of every table and server, and after a table's servers those of this trainer's replica, if there is one.</summary>
    /// <remarks>A hot row is counted by its server, which keeps a place for it; a row of a table that stays on the trainers only there, even if a save gave it to a server.</remarks>
    public IReadOnlyList<TableStatistics> GetStatistics()
    {
        var statistics = new List<TableStatistics>();
        foreach (var ofTable in _servers.GetStatistics().GroupBy(statistics => statistics.Table))
        {
            bool isWhole = _spaces.IsWhole(_spaces.Of(ofTable.Key));
            statistics.AddRange(ofTable.Select(ofServer => isWhole ? ofServer with { Rows = 0 } : ofServer));
            lock (_gate)
            {
                FinishUpdate();
                if (_replicas[ofTable.Key] is { } rows)
                {
                    statistics.Add(StatisticsOf(ofTable.Key, rows));
                }
            }
        }

        return statistics;
    }

    /// <inheritdoc/>
    public void ReadTable(int table, Action<long[], byte[]> chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(table);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(table, Shapes.Count);
        if (_spaces.IsWhole(_spaces.Of(table)))
        {
            ReadReplica(table, chunk);
            return;
        }

        _servers.ReadTable(table, (keys, weights) =>
        {
            OverwriteHot(table, keys, weights);
            chunk(keys, weights);
        });
    }

    private TableStatistics StatisticsOf(int table, ReplicatedRows rows) => new()
    {
        Table = table,
        Name = Shapes.Tables[table].Name,
        ServerRank = _rank,
        Rows = _spaces.IsWhole(_spaces.Of(table)) ? rows.Table.RowCount : 0,
        MemoryBytes = rows.Table.MemoryBytes + (rows.Slots * Shapes.RowBytes(table)),
        Pulls = _use[table].Pulls,
        KeysPulled = _use[table].KeysPulled,
        Pushes = _use[table].Pushes,
        KeysPushed = _use[table].KeysPushed,
    };

    private void ReadReplica(int table, Action<long[], byte[]> chunk)
    {
        int rowBytes = Shapes.RowBytes(table);
        for (long cursor = 0; cursor >= 0;)
        {
            long[] keys = new long[Math.Max(1, ScanBytes / rowBytes)];
            byte[] weights = new byte[keys.Length * rowBytes];
            int count;
            lock (_gate)
            {
                FinishUpdate();
                fixed (byte* pointer = weights) // in place while the table copies into it
                {
                    cursor = _replicas[table]!.Table.Scan(cursor, keys, (nint)pointer, out count);
                }
            }

            if (count > 0)
            {
                chunk(keys[..count], weights[..(count * rowBytes)]);
            }
        }
    }

    private void OverwriteHot(int table, long[] keys, byte[] weights)
    {
        int space = _spaces.Of(table);
        lock (_gate)
        {
            FinishUpdate();
            for (int i = 0; i < keys.Length; i++)
            {
                int place = _hot.Find(space, keys[i]);
                if (place >= 0)
                {
                    fixed (byte* pointer = weights) // in place while the row is copied into it
                    {
                        _replicas[table]!.Read([place - _hot.First(space)], [i], (nint)pointer);
                    }
                }
            }
        }
    }
}
