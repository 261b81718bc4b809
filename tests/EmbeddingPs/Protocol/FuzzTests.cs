using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Server;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Protocol;

/// <summary>Messages that are cut, changed, repeated, swapped or left out: the receiver ends with an error or goes on, but never hangs or crashes.</summary>
public class FuzzTests
{
    private static readonly int _requestChannel = EmbeddingPs.Protocol.Protocol.RequestChannel(EmbeddingPs.Protocol.Protocol.FirstModel);
    private static readonly int _replyChannel = EmbeddingPs.Protocol.Protocol.ReplyChannel(EmbeddingPs.Protocol.Protocol.FirstModel);

    private static readonly TableOptions[] _tables =
    [
        new() { Name = "array", Vocabulary = 100, Dimension = 3 },
        new() { Name = "hash", Kind = TableKind.Hash, Dimension = 2, ElementType = ElementType.Float64 },
    ];

    private static readonly WireOptions _asStored = new();

    private static readonly WireOptions _narrow = new() { Pull = ElementType.BFloat16, Push = ElementType.Float16, Keys = KeyEncoding.Lz4 };

    [Fact]
    public void AServerSurvivesDamagedRequests() => FuzzServer(200, _asStored);

    [Fact]
    public void AServerSurvivesDamagedRequestsInNarrowTypes() => FuzzServer(200, _narrow);

    [Fact]
    public void AClientSurvivesDamagedAnswers() => FuzzClient(200, _asStored);

    [Fact]
    public void AClientSurvivesDamagedAnswersInNarrowTypes() => FuzzClient(200, _narrow);

    [Fact]
    [Trait("Kind", "Long")]
    public void AServerSurvivesManyDamagedRequests() => FuzzServer(20_000, _asStored);

    [Fact]
    [Trait("Kind", "Long")]
    public void AServerSurvivesManyDamagedRequestsInNarrowTypes() => FuzzServer(20_000, _narrow);

    [Fact]
    [Trait("Kind", "Long")]
    public void AClientSurvivesManyDamagedAnswers() => FuzzClient(20_000, _asStored);

    private static void FuzzServer(int rounds, WireOptions wire)
    {
        var (requests, _) = Record(wire);
        int failures = 0;
        for (int seed = 0; seed < rounds; seed++)
        {
            var job = new LoopbackMessenger(2);
            var server = new EmbeddingServer(job[1], new ClusterLayout([0], [1]), 0, wire) { ServeModel = _ => { } };

            // Whatever was lost, a goodbye ends the server.
            foreach (byte[] request in (IEnumerable<byte[]>)[.. Damage(requests, new Random(seed)), requests[^1]])
            {
                job[0].Send(1, _requestChannel, MessageBuffer.Copy(request));
            }

            var error = PsCluster.Together(1, _ => server.Run())[0];
            Assert.True(error is null or OpenEmbeddingException, $"seed {seed}: {error}");
            Assert.DoesNotContain('\n', error?.Message ?? "");
            failures += error is null ? 0 : 1;
        }

        Assert.InRange(failures, rounds / 2, rounds - 1);
    }

    private static void FuzzClient(int rounds, WireOptions wire)
    {
        var (_, answers) = Record(wire);
        int failures = 0;
        for (int seed = 0; seed < rounds; seed++)
        {
            var job = new LoopbackMessenger(2);
            var damaged = new Queue<byte[]>(Damage(answers, new Random(seed)));
            var requests = job[1].OpenInbox(_requestChannel);
            var errors = PsCluster.Together(2, i =>
            {
                if (i == 0)
                {
                    Answer(job[1], requests, damaged);
                    return;
                }

                try
                {
                    using var client = new EmbeddingClient(job[0], new ClusterLayout([0], [1]), 0, wire);
                    Script(client);
                }
                finally
                {
                    requests.Close();
                }
            });
            Assert.IsType<OperationCanceledException>(errors[0]);
            Assert.True(errors[1] is null or OpenEmbeddingException, $"seed {seed}: {errors[1]}");
            failures += errors[1] is null ? 0 : 1;
        }

        Assert.InRange(failures, rounds / 2, rounds - 1);
    }

    /// <summary>Plays a server that gives the next answer whatever it is asked, and a failure when it has no more.</summary>
    private static void Answer(IMessenger messenger, Inbox requests, Queue<byte[]> answers)
    {
        while (true)
        {
            using var request = requests.Receive();
            if (Envelope.Open(request).Kind != MessageKind.Push)
            {
                messenger.Send(
                    0,
                    _replyChannel,
                    answers.TryDequeue(out byte[]? answer)
                        ? MessageBuffer.Copy(answer)
                        : ControlMessage.Create(new MessageHeader { Kind = MessageKind.Failure, Code = 1 }, "no more answers"u8));
            }
        }
    }

    /// <summary>A short job with every kind of request.</summary>
    private static void Script(EmbeddingClient store)
    {
        store.CreateTables(_tables);
        store.OpenModel(2);
        store.Train(0, _tables[0], 1, 1, 2, 3);
        store.Train(1, _tables[0], 1, 2, 3, 4, 99);
        using (var hash = store.Begin(2, PullMode.Train, 1, store.Plan(TableKind.Hash, 1L << 50, 7)))
        {
            store.PushAll(2, hash, 1, 2 * 2 * sizeof(double) / sizeof(float));
        }

        MoveRows(store);
        store.Evaluate(3, _tables[0], 5, 1);
        store.GetStatistics();
        store.ReadTable(1, (_, _) => { });
        store.Dispose();
    }

    private static void MoveRows(EmbeddingClient store)
    {
        int[] storedBytes = [.. _tables.Select(table => EmbeddingTable.Create(table, 0, 1)).Select(table => table.StoredBytes)];
        using var rows = new NativeArray<byte>(4 * storedBytes.Max());
        store.MoveRows(
        [
            new RowMove([7, 8], rows.Address, [1, 99, 5], rows.Address, storedBytes[0]),
            new RowMove([], rows.Address, [1L << 50], rows.Address, storedBytes[1]),
        ]);
    }

    /// <summary>The messages of the script as they should be.</summary>
    private static (List<byte[]> Requests, List<byte[]> Answers) Record(WireOptions wire)
    {
        var job = new LoopbackMessenger(2);
        var requests = new RecordingMessenger(job[0]);
        var answers = new RecordingMessenger(job[1]);
        var layout = new ClusterLayout([0], [1]);
        var server = new EmbeddingServer(answers, layout, 0, wire) { ServeModel = _ => { } };
        var errors = PsCluster.Together(2, i =>
        {
            if (i == 0)
            {
                server.Run();
            }
            else
            {
                Script(new EmbeddingClient(requests, layout, 0, wire));
            }
        });
        Assert.All(errors, Assert.Null);
        return (requests.Sent, answers.Sent);
    }

    private static List<byte[]> Damage(List<byte[]> messages, Random random)
    {
        List<byte[]> damaged = [.. messages.Select(message => message.ToArray())];
        int victim = random.Next(damaged.Count);
        byte[] bytes = damaged[victim];
        switch (random.Next(6))
        {
            case 0:
                damaged[victim] = bytes[..random.Next(bytes.Length)];
                break;
            case 1:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                damaged.Insert(victim, bytes);
                break;
            case 3:
                int other = random.Next(damaged.Count);
                (damaged[victim], damaged[other]) = (damaged[other], bytes);
                break;
            case 4:
                damaged[victim] = [.. bytes, .. new byte[8]];
                break;
            default:
                // A wrong number with a right checksum: what a faulty program would send, not a faulty line.
                int[] values = [-1, 0, 1, 2, 3, 5, 1000, int.MaxValue, int.MinValue];
                int directory = MessageHeader.Bytes + BitConverter.ToInt32(bytes, 40);
                int place = random.Next(2, directory / sizeof(int)) * sizeof(int);
                MemoryMarshal.Write(bytes.AsSpan(place), values[random.Next(values.Length)]);
                Reseal(bytes);
                break;
        }

        return damaged;
    }

    private static void Reseal(byte[] bytes)
    {
        int directoryBytes = BitConverter.ToInt32(bytes, 40);
        if (directoryBytes >= 0 && directoryBytes <= bytes.Length - MessageHeader.Bytes)
        {
            using var message = MessageBuffer.Copy(bytes);
            Envelope.Seal(message);
            message.Span.CopyTo(bytes);
        }
    }

    private sealed class RecordingMessenger(IMessenger messenger) : IMessenger
    {
        public List<byte[]> Sent { get; } = [];

        public int Rank => messenger.Rank;

        public int Size => messenger.Size;

        public Inbox OpenInbox(int channel) => messenger.OpenInbox(channel);

        public void Send(int destination, int channel, MessageBuffer message)
        {
            Sent.Add(message.Span.ToArray());
            messenger.Send(destination, channel, message);
        }
    }
}
