using Xunit.Abstractions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Training on many ranks gives the weights of one process with the same global batch.</summary>
[Trait("Kind", "Job")]
public sealed class EqualityTests : IDisposable
{
    private const int GlobalBatch = 96;
    private const int Steps = 50;
    private readonly OeTrain _train = new();
    private readonly ITestOutputHelper _output;
    private readonly string _rows;

    public EqualityTests(ITestOutputHelper output)
    {
        _output = output;
        _rows = _train.WriteRows("rows.txt", GlobalBatch * Steps);
    }

    [Theory]
    [InlineData("adagrad", "float64", 1e-9)]
    [InlineData("adam", "float32", 1e-4)]
    public void TwoRanksEqualOne(string optimizer, string type, double limit) => AssertEqual([2], optimizer, type, limit);

    [Theory]
    [Trait("Kind", "Long")]
    [MemberData(nameof(EveryOptimizerAndType))]
    public void ManyRanksEqualOne(string optimizer, string type, double limit) => AssertEqual([2, 4, 8], optimizer, type, limit);

    [Theory]
    [InlineData("array")]
    [InlineData("hash")]
    public void TheSameJobTwiceGivesTheSameBits(string kind)
    {
        string[] job = Job("adagrad", "float32", trainers: 2, "--cluster.servers", "colocated", "--embedding.kind", kind);

        Assert.Equal(0, _train.Weights(2, job).DistanceTo(_train.Weights(2, job)));
    }

    /// <summary>What changes gradients and learning rates from step to step counts steps and sums alike on all ranks, however rows are kept.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void SchedulesClippingAndPartsOfBatchesEqualOneProcess() => AssertFeaturesEqual("adam", "--cluster.servers", "1", "--cluster.hot_rows", "200");

    [Fact]
    [Trait("Kind", "Long")]
    public void WithWholeTablesReducedTheyDoToo() => AssertFeaturesEqual("adagrad", "--cluster.strategy", "allreduce");

    [Theory]
    [InlineData("allreduce")]
    [InlineData("allgather")]
    public void StrategiesAgree(string strategy)
    {
        Weights servers = _train.Weights(3, Job("adagrad", "float64", trainers: 2, "--cluster.servers", "1", "--model.l2_embedding", "0", "--model.l2_linear", "0"));

        Weights replicas = _train.Weights(2, Job("adagrad", "float64", trainers: 2, "--cluster.strategy", strategy, "--model.l2_embedding", "0", "--model.l2_linear", "0"));

        Assert.InRange(replicas.DistanceOnSharedKeysTo(servers), 0, 1e-9);
    }

    [Fact]
    public void ServersBesideSomeOfTheTrainersChangeNothing()
    {
        Weights alone = _train.Weights(1, Job("adam", "float64", trainers: 1));

        Weights many = _train.Weights(3, Job("adam", "float64", trainers: 3, "--cluster.servers", "colocated:2"));

        Assert.InRange(many.DistanceTo(alone), 0, 1e-9);
    }

    [Fact]
    public void DedicatedServersAndHashTablesChangeNothing()
    {
        Weights alone = _train.Weights(1, Job("ftrl", "float64", trainers: 1, "--embedding.kind", "hash"));

        Weights many = _train.Weights(5, Job("ftrl", "float64", trainers: 3, "--embedding.kind", "hash", "--cluster.servers", "2"));

        Assert.InRange(many.DistanceTo(alone), 0, 1e-9);
    }

    /// <summary>A whole batch of malformed rows of one trainer, then one of all of them: the rows behind stay in the steps that they have.</summary>
    [Fact]
    public void BatchesOfMalformedRowsMoveNoOtherRows()
    {
        string[] rows = File.ReadAllLines(_rows);
        IEnumerable<string> Bad(int count) => Enumerable.Repeat("x", count);
        string file = _train.Write(
            "bad.txt", string.Join('\n', [.. Bad(GlobalBatch / 2), .. rows[..144], .. Bad(GlobalBatch), .. rows[144..480]]) + "\n");
        string[] more = ["--data.train", file, "--data.on_bad_row", "skip"];

        Weights alone = _train.Weights(1, Job("adam", "float64", trainers: 1, more));
        Weights together = _train.Weights(2, Job("adam", "float64", trainers: 2, [.. more, "--cluster.servers", "colocated"]));

        Assert.InRange(together.DistanceTo(alone), 0, 1e-9);
    }

    public static TheoryData<string, string, double> EveryOptimizerAndType()
    {
        var cases = new TheoryData<string, string, double>();
        foreach (string optimizer in (string[])["sgd", "adagrad", "adadelta", "adam", "adamax", "nadam", "rmsprop", "ftrl"])
        {
            cases.Add(optimizer, "float32", 1e-4);
            cases.Add(optimizer, "float64", 1e-9);
        }

        return cases;
    }

    public void Dispose() => _train.Dispose();

    private void AssertFeaturesEqual(string optimizer, params string[] more)
    {
        string[] features =
        [
            "--schedule.curve", "cosine", "--schedule.decay_steps", "60", "--schedule.warmup_steps", "10", "--train.clip_norm", "0.02", "--train.clip_value", "0.01",
            "--train.positive_weight", "2", "--model.activity_l2", "0.01", "--model.activity_l1", "0.001",
        ];
        Weights alone = _train.Weights(1, Job(optimizer, "float64", trainers: 1, features));
        int trainers = more.Contains("allreduce") ? 3 : 2;
        string[] together = Job(optimizer, "float64", trainers, [.. features, "--train.micro_batch_size", "20", .. more]);
        Weights whole = _train.Weights(3, [.. together, "--checkpoint", _train.In("saved"), "--checkpoint.every_steps", "30"]);
        Weights resumed = _train.Weights(3, [.. together, "--load", _train.In("saved/step-000000030.json")]);

        Assert.InRange(whole.DistanceOnSharedKeysTo(alone), 0, 1e-9);
        Assert.InRange(resumed.DistanceTo(whole), 0, 1e-12);
        Assert.True(_train.Weights(1, Job(optimizer, "float64", trainers: 1)).DistanceTo(alone) > 1e-4, "they change nothing");
    }

    private void AssertEqual(int[] ranks, string optimizer, string type, double limit)
    {
        Weights alone = _train.Weights(1, Job(optimizer, type, trainers: 1));
        foreach (int many in ranks)
        {
            Weights together = _train.Weights(many, Job(optimizer, type, trainers: many, "--cluster.servers", "colocated"));
            double distance = together.DistanceTo(alone);
            _output.WriteLine($"{optimizer} {type} on {many} ranks: distance {distance:E2}");
            Assert.True(distance <= limit, $"{optimizer} {type} on {many} ranks: distance {distance:E2}, allowed {limit:E0}");
        }
    }

    private string[] Job(string optimizer, string type, int trainers, params string[] more) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dtype", type, "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000",
        "--optimizer.name", optimizer, "--train.batch_size", (GlobalBatch / trainers).ToString(), "--train.steps", Steps.ToString(), .. more,
    ];
}
