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

    private void AnswerLoad(TrainerState trainer, MessageBuffer message)
    {
        using var load = Timeline.Begin("load rows");
        var body = ControlMessage.Read<LoadBody>(message);
        Shard.GoOnFrom(body.Step);
        SegmentReader.Load(CheckpointSource.OpenForReading(body.Manifest), Shard.Tables, body.Slots);
        var header = ReplyHeader(trainer, MessageKind.Done, Envelope.HeaderOf(message).Ticket);
        Reply(trainer, ControlMessage.Create(header, []));
    }
}
