using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

public class FailureTests
{
    private static readonly TableOptions _array = new() { Name = "C7", Vocabulary = 100, Dimension = 2 };
    private static readonly TableOptions _hash = new() { Name = "C8", Kind = TableKind.Hash, Dimension = 2 };

    [Theory]
    [InlineData(TableKind.Array, 100, "Table C7, step 3: key 100 is out of range; allowed are 0 to 99.")]
    [InlineData(TableKind.Array, -1, "Table C7, step 3: key -1 is out of range; allowed are 0 to 99.")]
    [InlineData(TableKind.Hash, -9, "Table C8, step 3: key -9 is out of range; allowed are 0 to 9223372036854775807.")]
    public void AKeyOutOfRangeIsNamedBeforeAnythingIsSent(TableKind kind, long key, string message)
    {
        using var cluster = new PsCluster(trainers: 1, servers: 2).CreateTables(_array, _hash);
        var store = cluster.Trainers[0];
        var keys = store.Plan(kind, 5, key, 7);
        foreach (var mode in Enum.GetValues<PullMode>())
        {
            var error = Assert.Throws<OpenEmbeddingException>(() => store.Begin(3, mode, (int)kind, keys));
            Assert.Equal(message, error.Message);
            Assert.Equal(JobExitCode.Data, error.ExitCode);
        }

        Assert.Equal(0, store.Traffic.PulledBytes);
    }

    [Fact]
    public void TablesThatDifferEndTheJobWithOneLineThatNamesThem()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 2, mayFail: true);
        var errors = PsCluster.Together(2, trainer =>
            cluster.Trainers[trainer].CreateTables(trainer == 0 ? [_hash, _array] : [_hash, _array with { Dimension = 3 }]));
        Assert.All(errors, error =>
        {
            var failure = Assert.IsType<PeerFailureException>(error);
            Assert.Contains("the trainers do not agree on the tables: table 1 is", failure.Message);
            Assert.Contains("Dimension = 2", failure.Message);
            Assert.Contains("Dimension = 3", failure.Message);
            Assert.DoesNotContain('\n', failure.Message);
            Assert.Equal(JobExitCode.Cluster, failure.ExitCode);
        });
        Assert.All(cluster.ServerErrors(), error => Assert.Equal(JobExitCode.Cluster, Assert.IsType<OpenEmbeddingException>(error).ExitCode));
    }

    [Fact]
    public void SettingsThatDifferEndTheJob()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1, mayFail: true);
        using var other = new EmbeddingClient(cluster.Messenger[0], cluster.Layout, staleness: 5);
        var error = Assert.Throws<PeerFailureException>(() => other.CreateTables([_hash]));
        Assert.Equal(
            "Server on rank 1, CreateTables of rank 0 for step 0: rank 0 has trainers [0], servers [1] and staleness 5, "
            + "this rank has trainers [0], servers [1] and staleness 0; every rank needs the same configuration.",
            error.Message);
        Assert.Equal(1, error.PeerRank);
    }

    [Fact]
    public void AModelThatIsNotNextEndsTheJob()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1, mayFail: true);
        var error = Assert.Throws<PeerFailureException>(() => cluster.Trainers[0].OpenModel(2));
        Assert.Contains("opens model 2; the last one is 1, and the most 1", error.Message);
    }

    [Fact]
    public void ATableThatCannotBeMadeEndsTheJob()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1, mayFail: true);
        var error = Assert.Throws<PeerFailureException>(() => cluster.Trainers[0].CreateTables([_array with { Vocabulary = 0 }]));
        Assert.Contains("Table C7: the vocabulary of an array table must be", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void NoTablesAndEqualNamesAreRefused()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1);
        var store = cluster.Trainers[0];
        Assert.Equal(JobExitCode.Configuration, Assert.Throws<OpenEmbeddingException>(() => store.CreateTables([])).ExitCode);
        var error = Assert.Throws<OpenEmbeddingException>(() => store.CreateTables([_array, _hash, _array]));
        Assert.Equal("Table C7: 2 tables have this name; names are unique.", error.Message);
        Assert.Throws<InvalidOperationException>(() => store.Evaluate(0, _array, 1));
    }

    [Fact]
    public void ATrainerThatLeavesEarlyIsNamed()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 1, mayFail: true);
        cluster.CreateTables(_hash);
        cluster.Trainers[0].Push(0, []);
        cluster.Trainers[1].Dispose();
        var keys = cluster.Trainers[0].Plan(TableKind.Hash, 1);
        using var ticket = cluster.Trainers[0].Begin(1, PullMode.Train, 0, keys);
        var error = Assert.Throws<PeerFailureException>(ticket.Wait);
        Assert.Equal(
            "Server on rank 2, Goodbye of rank 1 for step 0: rank 1 left after 0 steps, but rank 0 goes on; every trainer pushes every step.",
            error.Message);
        Assert.Equal(1, Assert.IsType<PeerFailureException>(Assert.Single(cluster.ServerErrors())).PeerRank);

        // From then on every call tells the same.
        Assert.True(ticket.IsCompleted);
        Assert.Equal(error.Message, Assert.Throws<PeerFailureException>(() => cluster.Trainers[0].Push(1, [])).Message);
        Assert.Equal(error.Message, Assert.Throws<PeerFailureException>(() => cluster.Trainers[0].GetStatistics()).Message);
    }

    [Fact]
    public void CallsInTheWrongPlaceAreRefused()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 2).CreateTables(_array, _hash);
        var store = cluster.Trainers[0];
        var keys = store.Plan(TableKind.Array, 1, 2);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        using var evaluation = store.Begin(0, PullMode.Evaluate, 0, keys);
        using var others = cluster.Trainers[1].Begin(0, PullMode.Train, 0, keys);
        using var gradients = new NativeArray<float>(4);
        GradientBlock Block(PullTicket of) => new(of, [[gradients.Address]]);

        Assert.Throws<InvalidOperationException>(() => store.CreateTables([_array]));
        Assert.Throws<ArgumentException>(() => store.Begin(0, PullMode.Train, 1, keys));
        Assert.Throws<ArgumentException>(() => store.Begin(0, PullMode.Train, 2, keys));
        Assert.Throws<ArgumentException>(() => store.BeginPull(0, PullMode.Train, [new PullSection(keys, [])]));
        var unsharded = new KeyBatch();
        unsharded.Plan([1], TableKind.Array, 1);
        Assert.Throws<ArgumentException>(() => store.Begin(0, PullMode.Train, 0, unsharded));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Begin(-1, PullMode.Train, 0, keys));
        Assert.Throws<ArgumentOutOfRangeException>(() => ticket.CopyRows(1, 0, gradients.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => ticket.CopyRows(0, 1, gradients.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Push(1, []));
        Assert.Throws<ArgumentException>(() => store.Push(0, [Block(evaluation)]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [Block(others)]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(ticket, [])]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(ticket, [[0]])]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [Block(ticket), Block(ticket)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ReadTable(2, (_, _) => { }));

        store.Push(0, [Block(ticket)]);
        cluster.Trainers[1].Push(0, []);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Push(0, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Begin(0, PullMode.Train, 0, keys));
        ticket.Dispose();
        Assert.Throws<ObjectDisposedException>(ticket.Wait);
    }

    [Fact]
    public void ARankWithoutTheRoleIsRefused()
    {
        var job = new LoopbackMessenger(3);
        var layout = new ClusterLayout([0], [1]);
        Assert.Throws<ArgumentException>(() => new EmbeddingClient(job[1], layout, 0));
        Assert.Throws<ArgumentException>(() => new EmbeddingServer(job[0], layout, 0));
        Assert.Throws<ArgumentException>(() => new EmbeddingServer(job[2], layout, 0));
    }
}
