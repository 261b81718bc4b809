using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.Serving.Shards;

/// <summary>A shard of a model's tables in memory. Lookups hold it while they read, so that one that is let go still answers those it began.</summary>
internal sealed class LoadedShard(ShardAssignment assignment, ServedTables served, TableShards tables)
{
    private readonly Lock _lock = new();
    private int _holders = 1;

    public ShardAssignment Assignment => assignment;

    public long Rows => tables.RowCount;

    /// <summary>Takes part in holding the shard; <c>false</c> when it is gone already.</summary>
    public bool TryHold()
    {
        lock (_lock)
        {
            _holders += _holders > 0 ? 1 : 0;
            return _holders > 0;
        }
    }

    /// <summary>Ends one's part in holding the shard; the last one frees its memory.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (--_holders == 0)
            {
                tables.Dispose();
            }
        }
    }

    /// <summary>The rows that a lookup asks for.</summary>
    /// <exception cref="OpenEmbeddingException">A section or key is none of this shard's.</exception>
    public byte[] Read(Lookup lookup)
    {
        byte[] answer = new byte[lookup.Entries.Sum(entry => (long)entry.Count * BytesOf(entry.Section))];
        Span<byte> rows = answer;
        ReadOnlySpan<long> keys = MemoryMarshal.Cast<byte, long>(lookup.Keys.Span);
        foreach ((int section, int count) in lookup.Entries)
        {
            ReadOnlySpan<long> some = keys[..count];
            foreach (int table in served.Sections[section])
            {
                Check(table, some);
                int bytes = count * served.Tables[table].RowBytes;
                tables.Read(table, some, rows[..bytes]);
                rows = rows[bytes..];
            }

            keys = keys[count..];
        }

        return answer;
    }

    private int BytesOf(int section) => (uint)section < (uint)served.Sections.Count
        ? served.Sections[section].Sum(table => served.Tables[table].RowBytes)
        : throw new OpenEmbeddingException($"{assignment.Name}: section {section} is asked for; there are {served.Sections.Count}");

    private void Check(int table, ReadOnlySpan<long> keys)
    {
        foreach (long key in keys)
        {
            if (!tables.Has(table, key))
            {
                throw new OpenEmbeddingException($"{assignment.Name}: key {key} of table {served.Tables[table].Name} is not in this shard");
            }
        }
    }
}
