using System.Diagnostics;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>Holds one shard of every table of a job and answers its trainers.</summary>
/// <remarks>
/// All state belongs to the thread that runs it, which lets others help with the tables of a large request. A step is applied when the pushes of all trainers are there; then gradients are added in
/// the order of the trainers, whatever the order in which they came, and each row is updated once.
/// </remarks>
public sealed unsafe partial class EmbeddingServer
{
    private readonly IMessenger _messenger;
    private readonly ClusterLayout _layout;
    private readonly int _staleness;
    private readonly WireOptions _wire;
    private readonly StorageOptions? _storage;
    private readonly KeyDecompressor? _compressedKeys;
    private readonly int _shard;
    private readonly TrainerState[] _trainers;
    private readonly List<ParkedRequest> _parked = [];
    private readonly Stack<ResolvedPull> _freePulls = new();
    private Inbox? _inbox;
    private TableShard? _tables;
    private long _appliedSteps;
    private readonly int _model;
    private int _left;
    private int _lastModel;
    private long _heardAt = Stopwatch.GetTimestamp();

    // What is being done, for the message of a failure.
    private (MessageKind Kind, int Rank, long Step)? _request;

    /// <summary>Makes the server of this rank.</summary>
    /// <param name="messenger">The messages of this rank.</param>
    /// <param name="layout">Trainers and servers, of which this rank is one; the same on every rank.</param>
    /// <param name="staleness">How many steps a pull may be behind, 0 or more; the same on every rank.</param>
    /// <param name="wire">How rows and gradients travel, the same on every rank; by default as they are.</param>
    /// <param name="storage">Where rows are that do not fit into memory; by default all stay in memory.</param>
    /// <param name="model">Which of the job's models it serves, from <see cref="Protocol.Protocol.FirstModel"/>.</param>
    public EmbeddingServer(
        IMessenger messenger,
        ClusterLayout layout,
        int staleness,
        WireOptions? wire = null,
        StorageOptions? storage = null,
        int model = Protocol.Protocol.FirstModel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(staleness);
        _shard = layout.ShardOf(messenger.Rank);
        if (_shard < 0)
        {
            throw new ArgumentException($"Rank {messenger.Rank} is not among the servers [{string.Join(", ", layout.Servers)}].", nameof(layout));
        }

        _messenger = messenger;
        _layout = layout;
        _staleness = staleness;
        _wire = wire ?? new WireOptions();
        _storage = storage;
        _model = model;
        _lastModel = model;
        _compressedKeys = _wire.Keys == KeyEncoding.Lz4 ? new KeyDecompressor() : null;
        _trainers = [.. layout.Trainers.Select(rank => new TrainerState(rank))];
    }

    /// <summary>Where the server shows what it does.</summary>
    public TimelineLane Timeline { get; init; }

    /// <summary>Threads that work on the tables of a large request at once, 1 or more; the result does not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Hears how many steps are applied, behind each of them.</summary>
    public Action<long>? StepApplied { get; init; }

    /// <summary>
    /// Serves one more model of the job, by its number, on another thread until all trainers have left it; the server of the first model calls
    /// it when the first trainer asks. Without it the job has one model.
    /// </summary>
    public Action<int>? ServeModel { get; init; }

    private TableShard Shard => _tables ?? throw new OpenEmbeddingException("There are no tables yet.");

    /// <summary>Answers until every trainer has said goodbye.</summary>
    /// <exception cref="OpenEmbeddingException">A message or a key is wrong; every trainer has been told, and waits no more.</exception>
    public void Run()
    {
        _inbox = _messenger.OpenInbox(Protocol.Protocol.RequestChannel(_model));
        _messenger.Watch(FindSilence);
        try
        {
            while (_left < _trainers.Length)
            {
                if (NextMessage() is not { } message)
                {
                    continue;
                }

                _heardAt = Stopwatch.GetTimestamp();
                if (!Handle(message))
                {
                    message.Dispose();
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Report(e);
        }
        finally
        {
            _inbox.Close();
            Free();
        }
    }

    /// <summary>What the server waits for when nobody has sent it anything: pushes that a step lacks, or any sign that its trainers live.</summary>
    private MessageWait? FindSilence(TimeSpan longerThan)
    {
        long heardAt = Volatile.Read(ref _heardAt);
        if (Stopwatch.GetElapsedTime(heardAt) <= longerThan || _left == _trainers.Length)
        {
            return null;
        }

        bool begun = _trainers.Any(trainer => trainer.PushedSteps > _appliedSteps);
        int[] missing = [.. _trainers.Where(trainer => !trainer.HasLeft && !(begun && trainer.PushedSteps > _appliedSteps)).Select(trainer => trainer.Rank)];
        return new MessageWait(
            begun ? $"step {_appliedSteps} on the server" : "the server", heardAt, [.. missing.Where(rank => rank != _messenger.Rank)], IsFine: !begun);
    }

    /// <summary>Does what a message asks.</summary>
    /// <returns>Whether the message is kept for later.</returns>
    private bool Handle(MessageBuffer message)
    {
        _request = null;
        ref readonly var header = ref Envelope.Open(message);
        if ((uint)header.Trainer >= (uint)_trainers.Length || _trainers[header.Trainer].Rank != message.Source)
        {
            Envelope.Throw(message, $"is said to be of trainer {header.Trainer}, which is on another rank");
        }

        _request = (header.Kind, message.Source, header.Step);
        var trainer = _trainers[header.Trainer];
        if (trainer.HasLeft)
        {
            Envelope.Throw(message, "comes after its goodbye");
        }

        if (header.Step < 0 || header.Step > trainer.PushedSteps + Protocol.Protocol.MostStepsAhead)
        {
            Envelope.Throw(message, $"is for step {header.Step}; the next push of that rank is of step {trainer.PushedSteps}");
        }

        switch (header.Kind)
        {
            case MessageKind.Pull when header.Code == (int)PullMode.Train:
                BeginTrainPull(trainer, message);
                return false;
            case MessageKind.Pull when header.Code == (int)PullMode.Evaluate:
                return BeginEvaluatePull(trainer, message);
            case MessageKind.Push:
                return TakePush(trainer, message);
            case MessageKind.GetStatistics or MessageKind.Scan or MessageKind.MoveRows or MessageKind.Save or MessageKind.Load:
                return Park(new ParkedRequest(trainer, header.Step, null, message));
            case MessageKind.CreateTables:
                TakeDefinition(trainer, message);
                return false;
            case MessageKind.OpenModel:
                OpenModel(trainer, message);
                return false;
            case MessageKind.Goodbye:
                SayGoodbye(trainer, header.Ticket);
                return false;
            default:
                Envelope.Throw(message, $"is of kind {header.Kind} and mode {header.Code}, which a server does not know");
                return false;
        }
    }

    /// <summary>Answers a request at once, or when its step has come.</summary>
    /// <returns>Whether the request waits.</returns>
    private bool Park(in ParkedRequest request)
    {
        if (request.AppliedSteps <= _appliedSteps)
        {
            Answer(request);
            return false;
        }

        _parked.Add(request);
        return true;
    }

    /// <summary>Answers the requests whose step has come, in the order in which they came.</summary>
    private void AnswerParked()
    {
        int kept = 0;
        for (int i = 0; i < _parked.Count; i++)
        {
            var request = _parked[i];
            if (request.AppliedSteps <= _appliedSteps)
            {
                Answer(request);
                request.Message?.Dispose();
            }
            else
            {
                _parked[kept++] = request;
            }
        }

        _parked.RemoveRange(kept, _parked.Count - kept);
    }

    private void Answer(in ParkedRequest request)
    {
        if (request.Pull is { } pull)
        {
            _request = (MessageKind.Pull, request.Trainer.Rank, pull.Step);
            AnswerTrainPull(request.Trainer, pull);
            return;
        }

        ref readonly var header = ref Envelope.HeaderOf(request.Message!);
        _request = (header.Kind, request.Trainer.Rank, header.Step);
        switch (header.Kind)
        {
            case MessageKind.Pull:
                AnswerEvaluatePull(request.Trainer, request.Message!);
                break;
            case MessageKind.Scan:
                AnswerScan(request.Trainer, request.Message!);
                break;
            case MessageKind.MoveRows:
                AnswerMove(request.Trainer, request.Message!);
                break;
            case MessageKind.Save:
                BeginSave(request.Trainer, request.Message!);
                break;
            case MessageKind.Load:
                AnswerLoad(request.Trainer, request.Message!);
                break;
            default:
                AnswerStatistics(request.Trainer, header.Ticket);
                break;
        }
    }

    private void Reply(TrainerState trainer, MessageBuffer message)
    {
        _messenger.Send(trainer.Rank, Protocol.Protocol.ReplyChannel(_model), message);
    }

    private MessageHeader ReplyHeader(TrainerState trainer, MessageKind kind, long ticket) =>
        new() { Kind = kind, Step = _appliedSteps, Ticket = ticket, Trainer = Array.IndexOf(_trainers, trainer) };

    /// <summary>Tells every trainer why this server ends.</summary>
    private OpenEmbeddingException Report(Exception e)
    {
        string place = _request is { } request ? $", {request.Kind} of rank {request.Rank} for step {request.Step}" : "";
        string text = $"Server on rank {_messenger.Rank}{place}: {e.Message}";
        int exitCode = (e as OpenEmbeddingException)?.ExitCode ?? JobExitCode.Failure;
        foreach (var trainer in _trainers)
        {
            var header = ReplyHeader(trainer, MessageKind.Failure, -1);
            header.Code = exitCode;
            Reply(trainer, ControlMessage.Create(header, Encoding.UTF8.GetBytes(text)));
        }

        return e is PeerFailureException peer
            ? new PeerFailureException(text, peer.PeerRank, exitCode)
            : new OpenEmbeddingException(text, exitCode, e);
    }

    private void Free()
    {
        _parked.ForEach(request => request.Message?.Dispose());
        _parked.Clear();
        foreach (var trainer in _trainers)
        {
            while (trainer.Pushes.TryDequeue(out var push))
            {
                push?.Dispose();
            }
        }

        _save?.Capture.Dispose();
        _tables?.Dispose();
        _compressedKeys?.Dispose();
    }
}
