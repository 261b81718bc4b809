using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Rows that move between the servers and this trainer.</content>
public sealed unsafe partial class EmbeddingClient
{
    /// <summary>Gives rows back to their servers and takes others over, once all steps that this trainer has pushed are applied; waits for that.</summary>
    /// <param name="moves">One for every table of the job.</param>
    internal void MoveRows(RowMove[] moves)
    {
        using var replies = new ReplySet(Shards);
        Expect(replies, MessageKind.MovedRows, Shards);
        for (int server = 0; server < Shards; server++)
        {
            Send(server, CreateMove(moves, server, replies.Id), ref _pulledBytes);
        }

        WaitFor(replies);
        for (int server = 0; server < Shards; server++)
        {
            Interlocked.Add(ref _pulledBytes, replies.Reply(server).Length);
            TakeRows(moves, server, replies.Reply(server));
        }
    }

    private MessageBuffer CreateMove(RowMove[] moves, int server, long ticket)
    {
        int directoryBytes = MoveDirectory.Bytes(moves.Length);
        var puts = new int[moves.Length][];
        var takes = new int[moves.Length][];
        long bytes = directoryBytes;
        for (int table = 0; table < moves.Length; table++)
        {
            puts[table] = PlacesOf(moves[table].PutKeys, table, server);
            takes[table] = PlacesOf(moves[table].TakeKeys, table, server);
            bytes += MoveDirectory.PartBytes(puts[table].Length, takes[table].Length, moves[table].StoredBytes);
        }

        var message = Envelope.Rent(new MessageHeader
        {
            Kind = MessageKind.MoveRows,
            Step = _nextPush,
            Ticket = ticket,
            Trainer = _trainer,
            Tables = moves.Length,
            DirectoryBytes = directoryBytes,
            BodyBytes = bytes,
        });
        var directory = new MoveDirectory(Envelope.Body(message));
        byte* part = Envelope.Body(message) + directoryBytes;
        for (int table = 0; table < moves.Length; table++)
        {
            ref readonly var move = ref moves[table];
            directory.Write(table, puts[table].Length, takes[table].Length);
            part = WriteKeys(move.PutKeys, puts[table], part);
            byte* rows = part;
            foreach (int place in puts[table])
            {
                RowCopy.Copy((byte*)move.PutRows + ((long)place * move.StoredBytes), rows, move.StoredBytes);
                rows += move.StoredBytes;
            }

            part = WriteKeys(move.TakeKeys, takes[table], part + Envelope.Align(rows - part));
        }

        Envelope.Seal(message);
        return message;
    }

    private static byte* WriteKeys(long[] keys, int[] places, byte* destination)
    {
        foreach (int place in places)
        {
            *(long*)destination = keys[place];
            destination += sizeof(long);
        }

        return destination;
    }

    private void TakeRows(RowMove[] moves, int server, MessageBuffer reply)
    {
        int[][] places = [.. moves.Select((move, table) => PlacesOf(move.TakeKeys, table, server))];
        long bytes = moves.Zip(places).Sum(pair => Envelope.Align((long)pair.Second.Length * pair.First.StoredBytes));
        if (Envelope.HeaderOf(reply).BodyBytes != bytes)
        {
            Envelope.Throw(reply, $"moves rows in {Envelope.HeaderOf(reply).BodyBytes} bytes instead of {bytes}");
        }

        byte* rows = Envelope.Body(reply);
        for (int table = 0; table < moves.Length; table++)
        {
            ref readonly var move = ref moves[table];
            for (int i = 0; i < places[table].Length; i++)
            {
                byte* taken = (byte*)move.TakenRows + ((long)places[table][i] * move.StoredBytes);
                RowCopy.Copy(rows + ((long)i * move.StoredBytes), taken, move.StoredBytes);
            }

            rows += Envelope.Align((long)places[table].Length * move.StoredBytes);
        }
    }

    /// <summary>Which of the keys a server holds.</summary>
    private int[] PlacesOf(long[] keys, int table, int server)
    {
        var kind = Shapes.Tables[table].Kind;
        var places = new List<int>();
        for (int i = 0; i < keys.Length; i++)
        {
            if (Sharding.ShardOf(kind, keys[i], Shards) == server)
            {
                places.Add(i);
            }
        }

        return [.. places];
    }
}
