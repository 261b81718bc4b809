using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Checkpoints.</content>
public sealed unsafe partial class EmbeddingServer
{
    // A save that fails is told to the trainer; the tables are as good as before, so the server goes on.
    private void AnswerSave(TrainerState trainer, MessageBuffer message)
    {
        using var save = Timeline.Begin("save rows");
        var saved = SegmentWriter.TryWrite(ControlMessage.Read<SaveRequest>(message), _shard, _layout.Servers.Count, Shard.Tables);
        if (saved.Problem is { } problem)
        {
            saved = saved with { Problem = $"Server on rank {_messenger.Rank}: {problem}" };
        }

        var header = ReplyHeader(trainer, MessageKind.Saved, Envelope.HeaderOf(message).Ticket);
        Reply(trainer, ControlMessage.Create(header, ControlMessage.Serialize(saved)));
    }

    // Damage is told to the trainer, which may have an older checkpoint.
    private void AnswerLoad(TrainerState trainer, MessageBuffer message)
    {
        using var load = Timeline.Begin("load rows");
        var body = ControlMessage.Read<LoadBody>(message);
        if (Array.Exists(_trainers, other => other.Pulls.Count > 0))
        {
            Envelope.Throw(message, "loads rows while others are being trained");
        }

        EmptyTables();
        string? damage = null;
        try
        {
            SegmentReader.Load(CheckpointSource.OpenForReading(body.Manifest), Shard.Tables, body.Slots);
        }
        catch (DamagedCheckpointException e)
        {
            damage = $"Server on rank {_messenger.Rank}: {e.Message}";
        }

        var header = ReplyHeader(trainer, MessageKind.Loaded, Envelope.HeaderOf(message).Ticket);
        Reply(trainer, ControlMessage.Create(header, ControlMessage.Serialize(new LoadResult { Damage = damage })));
    }

    private void EmptyTables()
    {
        if (Shard.IsEmpty)
        {
            return;
        }

        // First, because files of tiered tables have one owner.
        var shapes = Shard.Shapes;
        Shard.Dispose();
        _tables = CreateShard(shapes);
    }
}
