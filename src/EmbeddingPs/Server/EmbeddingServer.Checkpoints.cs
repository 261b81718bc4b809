using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Checkpoints.</content>
public sealed unsafe partial class EmbeddingServer
{
    private Save? _save;

    /// <summary>The next message; null when the wait for it was used to go on with a save.</summary>
    private MessageBuffer? NextMessage()
    {
        if (_save is not { } save)
        {
            return _inbox!.Receive();
        }

        if (save.Capture.IsCompleted)
        {
            EndSave();
            return null;
        }

        if (_inbox!.TryReceive(out var message))
        {
            return message;
        }

        // Nobody waits for this server while there is no message.
        return save.Capture.Advance() ? null : _inbox.ReceiveUnlessInterrupted();
    }

    /// <summary>Marks the rows; they are written while the server goes on.</summary>
    private void BeginSave(TrainerState trainer, MessageBuffer message)
    {
        using var save = Timeline.Begin("mark rows");
        EndSave();
        var capture = Shard.Segments.Begin(ControlMessage.Read<SaveRequest>(message), _inbox!.Interrupt);
        _save = new Save(trainer, Envelope.HeaderOf(message).Ticket, capture);
    }

    // Waits for the save under way, if there is one. A save that fails is told to the trainer; the tables are as good as before, so the server goes on.
    private void EndSave()
    {
        if (_save is not { } save)
        {
            return;
        }

        _save = null;
        var saved = Shard.Segments.End(save.Capture);
        if (saved.Problem is { } problem)
        {
            saved = saved with { Problem = $"Server on rank {_messenger.Rank}: {problem}" };
        }

        Reply(save.Trainer, ControlMessage.Create(ReplyHeader(save.Trainer, MessageKind.Saved, save.Ticket), ControlMessage.Serialize(saved)));
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

        EndSave();
        EmptyTables();
        Shard.GoOnFrom(body.Step);
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

    /// <summary>A save under way, and who asked for it.</summary>
    private sealed record Save(TrainerState Trainer, long Ticket, SegmentCapture Capture);
}
