using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.Serving.Shards;

/// <summary>The rows that one request for predictions needs: every key once, by shard, and where its row goes.</summary>
internal sealed class RowRequest
{
    private readonly ServedTables _tables;
    private readonly int _rows;
    private readonly KeyBatch[] _batches;

    // For each input of the dense part the rows in their places, [rows, columns, dimension].
    private readonly byte[][] _values;

    /// <summary>Plans the request.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="shards">Into how many shards they are dealt.</param>
    /// <param name="keys">[rows, columns].</param>
    public RowRequest(ServedTables tables, int shards, long[] keys)
    {
        _tables = tables;
        _rows = keys.Length / tables.Columns;
        _batches = new KeyBatch[tables.Sections.Count];
        long[] some = new long[_rows * ColumnsOfSection];
        for (int section = 0; section < _batches.Length; section++)
        {
            for (int row = 0; row < _rows; row++)
            {
                keys.AsSpan((row * tables.Columns) + (section * ColumnsOfSection), ColumnsOfSection).CopyTo(some.AsSpan(row * ColumnsOfSection));
            }

            _batches[section] = new KeyBatch();
            _batches[section].Plan(some, tables.Tables[tables.Sections[section][0]].Kind, shards);
        }

        _values = [.. Enumerable.Range(0, tables.Inputs.Count).Select(role => new byte[checked(_rows * tables.Columns * TableOf(0, role).RowBytes)])];
    }

    private int ColumnsOfSection => _tables.Columns / _tables.Sections.Count;

    /// <summary>Whether any key is in a shard.</summary>
    public bool Asks(int shard) => _batches.Any(batch => CountOf(batch, shard) > 0);

    /// <summary>The keys in a shard, by section.</summary>
    public IReadOnlyList<(int Section, long[] Keys)> KeysOf(int shard) =>
        [.. _batches.Select((batch, section) => (section, batch.Keys.Slice(batch.ShardOffsets[shard], CountOf(batch, shard)).ToArray())).Where(part => part.Item2.Length > 0)];

    /// <summary>Takes the answer of a shard; answers of several shards may be taken at the same time.</summary>
    /// <exception cref="ShardException">It has not the length of what was asked for.</exception>
    public void Take(int shard, byte[] answer)
    {
        long wanted = _batches.Select((batch, section) => (long)CountOf(batch, shard) * _tables.Sections[section].Sum(table => _tables.Tables[table].RowBytes)).Sum();
        if (answer.Length != wanted)
        {
            throw new ShardException($"shard {shard} gave {answer.Length} bytes of rows; {wanted} were asked for");
        }

        ReadOnlySpan<byte> rows = answer;
        for (int section = 0; section < _batches.Length; section++)
        {
            int count = CountOf(_batches[section], shard);
            for (int role = 0; count > 0 && role < _values.Length; role++)
            {
                int bytes = TableOf(section, role).RowBytes;
                Place(section, role, shard, rows[..(count * bytes)]);
                rows = rows[(count * bytes)..];
            }
        }
    }

    /// <summary>The rows as inputs of the dense part, in the order of <see cref="ServedTables.Inputs"/>; whoever takes them disposes of them.</summary>
    public OrtValue[] ToTensors() => [.. _values.Select((values, role) =>
    {
        ServedTable table = TableOf(0, role);
        long[] shape = [_rows, _tables.Columns, table.Dimension];
        return table.ElementType == ElementType.Float64
            ? OrtValue.CreateTensorValueFromMemory(MemoryMarshal.Cast<byte, double>(values).ToArray(), shape)
            : OrtValue.CreateTensorValueFromMemory(MemoryMarshal.Cast<byte, float>(values).ToArray(), shape);
    })];

    private static int CountOf(KeyBatch batch, int shard) => batch.ShardOffsets[shard + 1] - batch.ShardOffsets[shard];

    private ServedTable TableOf(int section, int role) => _tables.Tables[_tables.Sections[section][role]];

    private void Place(int section, int role, int shard, ReadOnlySpan<byte> rows)
    {
        int bytes = TableOf(section, role).RowBytes;
        KeyBatch batch = _batches[section];
        int first = batch.ShardOffsets[shard];
        int end = batch.ShardOffsets[shard + 1];
        ReadOnlySpan<long> positions = batch.Positions;
        Span<byte> values = _values[role];
        for (int id = 0; id < positions.Length; id++)
        {
            if (positions[id] >= first && positions[id] < end)
            {
                int place = (id / ColumnsOfSection * _tables.Columns) + (section * ColumnsOfSection) + (id % ColumnsOfSection);
                rows.Slice((int)(positions[id] - first) * bytes, bytes).CopyTo(values[(place * bytes)..]);
            }
        }
    }
}
