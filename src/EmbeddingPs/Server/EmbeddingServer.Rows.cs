using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Rows that move between this server and the replicas of the trainers.</content>
public sealed unsafe partial class EmbeddingServer
{
    // Every trainer puts and takes the same rows, because every trainer has its replica; what they put is equal to the bit, so that the
    // order does not matter as long as a trainer's own pulls come after its puts.
    private void AnswerMove(TrainerState trainer, MessageBuffer message)
    {
        int[] storedBytes = Array.ConvertAll(Shard.Tables, table => table.StoredBytes);
        var directory = MoveDirectory.Open(message, storedBytes);
        long replyBytes = 0;
        for (int table = 0; table < storedBytes.Length; table++)
        {
            replyBytes += Envelope.Align((long)directory.Takes(table) * storedBytes[table]);
        }

        var header = ReplyHeader(trainer, MessageKind.MovedRows, Envelope.HeaderOf(message).Ticket);
        header.BodyBytes = replyBytes;
        var reply = Envelope.Rent(header);
        byte* part = Envelope.Body(message) + Envelope.HeaderOf(message).DirectoryBytes;
        byte* taken = Envelope.Body(reply);
        for (int table = 0; table < storedBytes.Length; table++)
        {
            int puts = directory.Puts(table);
            long[] put = Rows(table, (long*)part, puts);
            Shard.Tables[table].Step = _appliedSteps;
            Shard.Tables[table].Import(put, (nint)(part + ((long)puts * sizeof(long))));
            Shard.Tables[table].Release(put);
            part += MoveDirectory.PartBytes(puts, 0, storedBytes[table]);
            int takes = directory.Takes(table);
            long[] take = Rows(table, (long*)part, takes);
            Shard.Tables[table].Export(take, (nint)taken);
            Shard.Tables[table].Release(take);
            part += (long)takes * sizeof(long);
            taken += Envelope.Align((long)takes * storedBytes[table]);
        }

        Envelope.Seal(reply);
        Reply(trainer, reply);
    }

    private long[] Rows(int table, long* keys, int count)
    {
        long[] rows = new long[count];
        Shard.Tables[table].FindOrAdd(new ReadOnlySpan<long>(keys, count), rows);
        return rows;
    }
}
