using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Requests outside the steps.</content>
public sealed unsafe partial class EmbeddingServer
{
    private void TakeDefinition(TrainerState trainer, MessageBuffer message)
    {
        if (trainer.Definition is not null)
        {
            Envelope.Throw(message, "creates the tables a second time");
        }

        trainer.Definition = Envelope.Directory(message).ToArray();
        trainer.DefinitionTicket = Envelope.HeaderOf(message).Ticket;
        var definition = ControlMessage.Read<JobDefinition>(message);
        CheckSettings(trainer, definition);
        foreach (var other in _trainers)
        {
            if (other.HasLeft)
            {
                throw new PeerFailureException($"rank {other.Rank} left before the tables were created.", other.Rank, JobExitCode.Failure);
            }

            if (other.Definition is not null && !other.Definition.AsSpan().SequenceEqual(trainer.Definition))
            {
                throw Differ(trainer, definition, other);
            }
        }

        if (Array.TrueForAll(_trainers, other => other.Definition is not null))
        {
            CreateTables(definition.Tables);
        }
    }

    private void CheckSettings(TrainerState trainer, JobDefinition definition)
    {
        if (definition.Staleness != _staleness
            || !definition.Trainers.SequenceEqual(_layout.Trainers)
            || !definition.Servers.SequenceEqual(_layout.Servers))
        {
            throw new OpenEmbeddingException(
                $"rank {trainer.Rank} has trainers [{string.Join(", ", definition.Trainers)}], servers [{string.Join(", ", definition.Servers)}] and "
                + $"staleness {definition.Staleness}, this rank has trainers [{string.Join(", ", _layout.Trainers)}], "
                + $"servers [{string.Join(", ", _layout.Servers)}] and staleness {_staleness}; every rank needs the same configuration.",
                JobExitCode.Cluster);
        }

        if (definition.Wire != _wire)
        {
            throw new OpenEmbeddingException(
                $"rank {trainer.Rank} has {definition.Wire}, this rank has {_wire}; every rank needs the same configuration.", JobExitCode.Cluster);
        }
    }

    private static OpenEmbeddingException Differ(TrainerState trainer, JobDefinition definition, TrainerState other)
    {
        var others = ControlMessage.Deserialize<JobDefinition>(other.Definition!, other.Rank).Tables;
        int same = definition.Tables.Zip(others).TakeWhile(pair => pair.First == pair.Second).Count();
        return new OpenEmbeddingException(
            $"the trainers do not agree on the tables: table {same} is {Describe(definition.Tables, same)} on rank {trainer.Rank} and "
            + $"{Describe(others, same)} on rank {other.Rank}; every rank needs the same configuration.",
            JobExitCode.Cluster);
    }

    private static string Describe(TableOptions[] tables, int index) => index < tables.Length ? tables[index].ToString() : "missing";

    private void CreateTables(TableOptions[] tables)
    {
        _tables = CreateShard(new TableShapes(tables, _wire));
        foreach (var trainer in _trainers)
        {
            Reply(trainer, ControlMessage.Create(ReplyHeader(trainer, MessageKind.Done, trainer.DefinitionTicket), []));
        }
    }

    private TableShard CreateShard(TableShapes shapes) => new(shapes, _shard, _layout.Servers.Count, _storage, Threads);

    private void AnswerStatistics(TrainerState trainer, long ticket)
    {
        var header = ReplyHeader(trainer, MessageKind.Statistics, ticket);
        Reply(trainer, ControlMessage.Create(header, ControlMessage.Serialize(Shard.Statistics(_messenger.Rank))));
    }

    private void AnswerScan(TrainerState trainer, MessageBuffer message)
    {
        var request = ControlMessage.Read<ScanRequest>(message);
        if ((uint)request.Table >= (uint)Shard.Tables.Length || request.Cursor < 0)
        {
            Envelope.Throw(message, $"reads table {request.Table} from {request.Cursor}; there are {Shard.Tables.Length} tables");
        }

        var header = ReplyHeader(trainer, MessageKind.StoredRows, Envelope.HeaderOf(message).Ticket);
        Reply(trainer, ControlMessage.Create(header, ControlMessage.Serialize(Shard.Scan(request.Table, request.Cursor))));
    }

    private void OpenModel(TrainerState trainer, MessageBuffer message)
    {
        int model = ControlMessage.Read<OpenModelBody>(message).Model;
        if (ServeModel is null || model <= _model || model > _lastModel + 1 || model > Protocol.Protocol.MostModels)
        {
            Envelope.Throw(message, $"opens model {model}; the last one is {_lastModel}, and the most {(ServeModel is null ? _model : Protocol.Protocol.MostModels)}");
        }

        if (model > _lastModel)
        {
            _lastModel = model;
            ServeModel!(model);
        }

        Reply(trainer, ControlMessage.Create(ReplyHeader(trainer, MessageKind.Done, Envelope.HeaderOf(message).Ticket), []));
    }

    private void SayGoodbye(TrainerState trainer, long ticket)
    {
        foreach (var other in _trainers)
        {
            if (other.PushedSteps > trainer.PushedSteps)
            {
                throw LeftEarly(trainer, other);
            }

            if (_tables is null && other.Definition is not null)
            {
                throw new PeerFailureException($"rank {trainer.Rank} left before the tables were created.", trainer.Rank, JobExitCode.Failure);
            }
        }

        // Its answer is the last message to the trainer: what it asked for and did not wait for is dropped.
        for (int i = _parked.Count - 1; i >= 0; i--)
        {
            if (_parked[i].Trainer == trainer)
            {
                _parked[i].Message?.Dispose();
                _parked.RemoveAt(i);
            }
        }

        trainer.HasLeft = true;
        _left++;
        Reply(trainer, ControlMessage.Create(ReplyHeader(trainer, MessageKind.Done, ticket), []));
    }
}
