using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>What changes when other keys become hot: rows that go back to the servers, rows that come from them, rows that stay.</summary>
internal sealed unsafe class HotRowMovement : IDisposable
{
    private readonly HotKeySet _before;
    private readonly HotKeySet _after;
    private readonly KeySpaces _spaces;
    private readonly TableShapes _shapes;
    private readonly ReplicatedRows?[] _replicas;

    /// <summary>Copies the rows that go back, and makes room for those that come.</summary>
    /// <param name="before">The keys that are hot.</param>
    /// <param name="after">The keys to be hot.</param>
    /// <param name="spaces">The key spaces.</param>
    /// <param name="shapes">The tables' shapes.</param>
    /// <param name="storedBytes">Bytes of a row with its slots, by table.</param>
    /// <param name="replicas">The rows that are hot, by table; null where there is none.</param>
    public HotRowMovement(
        HotKeySet before, HotKeySet after, KeySpaces spaces, TableShapes shapes, int[] storedBytes, ReplicatedRows?[] replicas)
    {
        _before = before;
        _after = after;
        _spaces = spaces;
        _shapes = shapes;
        _replicas = replicas;
        Moves = [.. storedBytes.Select((bytes, table) => CreateMove(table, bytes))];
    }

    /// <summary>The rows that travel, by table.</summary>
    public RowMove[] Moves { get; }

    /// <summary>Makes the replicated rows of a table once those that come are there; null if there is none.</summary>
    public ReplicatedRows? CreateRows(int table)
    {
        int space = _spaces.Of(table);
        int count = _after.CountOf(space);
        if (count == 0)
        {
            return null;
        }

        var rows = EmbeddingTable.Create(_shapes.Tables[table] with { Kind = TableKind.Array, Vocabulary = count }, 0, 1);
        long[] slots = new long[count];
        for (int slot = 0; slot < count; slot++)
        {
            slots[slot] = slot;
        }

        rows.FindOrAdd(slots, new long[count]);
        var move = Moves[table];
        int taken = 0;
        byte* kept = stackalloc byte[move.StoredBytes];
        for (int slot = 0; slot < count; slot++)
        {
            nint row = move.TakenRows + (nint)((long)taken * move.StoredBytes);
            int place = _before.Find(space, _after.Keys[_after.First(space) + slot].Key);
            if (place < 0)
            {
                taken++;
            }
            else
            {
                _replicas[table]!.Table.Export([place - _before.First(space)], (nint)kept);
                row = (nint)kept;
            }

            rows.Import(slots.AsSpan(slot, 1), row);
        }

        return new ReplicatedRows(rows);
    }

    public void Dispose()
    {
        foreach (var move in Moves)
        {
            NativeMemory.Free((void*)move.PutRows);
            NativeMemory.Free((void*)move.TakenRows);
        }
    }

    private RowMove CreateMove(int table, int storedBytes)
    {
        int space = _spaces.Of(table);
        long[] puts = _before.Without(_after, space);
        long[] takes = _after.Without(_before, space);
        var putRows = (nint)NativeMemory.Alloc((nuint)puts.Length, (nuint)storedBytes);
        long[] slots = Array.ConvertAll(puts, key => (long)(_before.Find(space, key) - _before.First(space)));
        _replicas[table]?.Table.Export(slots, putRows);
        return new RowMove(puts, putRows, takes, (nint)NativeMemory.Alloc((nuint)takes.Length, (nuint)storedBytes), storedBytes);
    }
}
