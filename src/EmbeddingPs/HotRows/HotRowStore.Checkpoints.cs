using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <content>Checkpoints: the servers write and read them, rows of replicas go by the servers.</content>
public sealed unsafe partial class HotRowStore
{
    /// <inheritdoc/>
    public PendingSave BeginSave(SaveRequest request)
    {
        lock (_gate)
        {
            FinishUpdate();

            // Another trainer may have chosen for the next step already and give the same rows back: they are equal to the bit, and no
            // server updates them before this trainer pushes that step.
            if (_servers.IsFirst)
            {
                for (int table = 0; table < _replicas.Length; table++)
                {
                    GiveRows(table);
                }
            }

            return _servers.BeginSave(request);
        }
    }

    /// <inheritdoc/>
    public string? Load(LoadRequest request)
    {
        lock (_gate)
        {
            _stepsBefore = request.Step;
            string? damage = _servers.Load(request);
            if (IsOnAnyTrainer(damage is not null))
            {
                return damage;
            }

            for (int table = 0; table < _replicas.Length; table++)
            {
                if (_spaces.IsWhole(_spaces.Of(table)))
                {
                    TakeRows(table);
                }
            }

            return null;
        }
    }

    /// <summary>Writes a table's replicated rows to the servers; they stay here as well.</summary>
    private void GiveRows(int table)
    {
        if (_replicas[table] is not { } replica)
        {
            return;
        }

        int space = _spaces.Of(table);
        int storedBytes = _storedBytes[table];
        long[] slots = new long[Math.Max(1, ScanBytes / storedBytes)];
        byte[] rows = new byte[(long)slots.Length * storedBytes];
        for (long cursor = 0; cursor >= 0;)
        {
            fixed (byte* start = rows) // in place while the table copies into it and the client out of it
            {
                cursor = replica.Table.Scan(cursor, slots, (nint)start, out int count);
                long[] found = new long[count];
                replica.Table.Find(slots.AsSpan(0, count), found);
                replica.Table.Export(found, (nint)start);
                long[] keys = slots[..count];
                if (!_spaces.IsWhole(space))
                {
                    keys = Array.ConvertAll(keys, slot => _hot.Keys[_hot.First(space) + (int)slot].Key);
                }

                Move(table, new RowMove(keys, (nint)start, [], 0, storedBytes));
            }
        }
    }

    /// <summary>Takes all rows that the servers have of a table that stays on the trainers.</summary>
    private void TakeRows(int table)
    {
        int storedBytes = _storedBytes[table];
        _servers.ReadTable(table, (keys, _) =>
        {
            byte[] rows = new byte[(long)keys.Length * storedBytes];
            fixed (byte* start = rows) // in place while the client copies into it and the table out of it
            {
                Move(table, new RowMove([], 0, keys, (nint)start, storedBytes));
                long[] own = new long[keys.Length];
                _replicas[table]!.Table.FindOrAdd(keys, own);
                _replicas[table]!.Table.Import(own, (nint)start);
            }
        });
    }

    private void Move(int table, RowMove move)
    {
        var moves = Array.ConvertAll(_storedBytes, bytes => new RowMove([], 0, [], 0, bytes));
        moves[table] = move;
        _servers.MoveRows(moves);
    }

    /// <summary>Whether something is so on any trainer; returns when every trainer has come here.</summary>
    private bool IsOnAnyTrainer(bool here)
    {
        using var mine = MessageBuffer.Rent(1);
        using var all = MessageBuffer.Rent(_exchange.Trainers);
        *(byte*)mine.Pointer = here ? (byte)1 : (byte)0;
        _exchange.BeginGather(mine.Pointer, all.Pointer, 1);
        _exchange.Wait();
        return new ReadOnlySpan<byte>((byte*)all.Pointer, _exchange.Trainers).Contains((byte)1);
    }
}
