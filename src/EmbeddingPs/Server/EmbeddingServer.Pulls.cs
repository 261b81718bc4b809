using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Pulls.</content>
public sealed unsafe partial class EmbeddingServer
{
    // Rows are found at once, also when the answer must wait: that is done while the trainers compute.
    private void BeginTrainPull(TrainerState trainer, MessageBuffer message)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Step < trainer.PushedSteps || trainer.Find(header.Ticket) is not null)
        {
            Envelope.Throw(message, $"pulls with ticket {header.Ticket} for step {header.Step}, which is pushed or pulled with that ticket already");
        }

        using var find = Timeline.Begin("find rows");
        var pull = _freePulls.TryPop(out var free) ? free : new ResolvedPull();
        pull.Id = header.Ticket;
        pull.Step = header.Step;
        Shard.Find(pull, OpenPull(message));
        trainer.Pulls.Add(pull);
        Park(new ParkedRequest(trainer, header.Step - _staleness, pull, null));
    }

    private void AnswerTrainPull(TrainerState trainer, ResolvedPull pull)
    {
        using var gather = Timeline.Begin("gather rows");
        var reply = RentRows(trainer, pull.Id, pull.RowBytes);
        Shard.Gather(pull, Envelope.Body(reply));
        pull.IsAnswered = true;
        Envelope.Seal(reply);
        Reply(trainer, reply);
    }

    private bool BeginEvaluatePull(TrainerState trainer, MessageBuffer message)
    {
        // For its checks: an error is better told now than when the step has come.
        OpenPull(message);
        return Park(new ParkedRequest(trainer, Envelope.HeaderOf(message).Step, null, message));
    }

    private void AnswerEvaluatePull(TrainerState trainer, MessageBuffer message)
    {
        var directory = OpenPull(message);
        var reply = RentRows(trainer, Envelope.HeaderOf(message).Ticket, Shard.RowBytes(directory));
        Shard.Read(directory, Envelope.Body(reply));
        Envelope.Seal(reply);
        Reply(trainer, reply);
    }

    private SectionDirectory OpenPull(MessageBuffer message) => SectionDirectory.Open(message, Shard.Tables.Length, _compressedKeys);

    private MessageBuffer RentRows(TrainerState trainer, long ticket, long bytes)
    {
        var header = ReplyHeader(trainer, MessageKind.Rows, ticket);
        header.BodyBytes = bytes;
        return Envelope.Rent(header);
    }
}
