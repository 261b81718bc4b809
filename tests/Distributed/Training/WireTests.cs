using System.Text.Json;
using Xunit.Abstractions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs whose rows, gradients and keys travel in a narrower form train nearly the same, and always the same bits.</summary>
[Trait("Kind", "Job")]
public sealed class WireTests : IDisposable
{
    private const int GlobalBatch = 96;
    private const int Steps = 50;
    private readonly OeTrain _train = new();
    private readonly ITestOutputHelper _output;
    private readonly string _rows;

    public WireTests(ITestOutputHelper output)
    {
        _output = output;
        _rows = _train.WriteRows("rows.txt", GlobalBatch * Steps);
    }

    // Rounding moves a number by at most 2⁻¹² (float16) or 2⁻⁹ (bfloat16) of itself. In LR that is all; in a deep part a unit near 0 may be
    // switched on or off, which moves the rows of that sample by far more.
    [Theory]
    [InlineData("LR", "float16", 1e-3)]
    [InlineData("DeepFM", "bfloat16", 0.1)]
    public void TwoRanksNearlyEqualOneThatSendsAllAsItIs(string model, string type, double limit) => AssertNearlyEqual(model, type, limit);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("LR", "bfloat16", 8e-3)]
    [InlineData("DeepFM", "float16", 0.1)]
    public void OtherTypesDoToo(string model, string type, double limit) => AssertNearlyEqual(model, type, limit);

    [Theory]
    [InlineData("ps", "float16")]
    [InlineData("allgather", "bfloat16")]
    public void TheSameJobTwiceGivesTheSameBits(string strategy, string type) => AssertSameBitsTwice(strategy, type);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("ps", "bfloat16")]
    [InlineData("allreduce", "float16")]
    public void OtherJobsTwiceDoToo(string strategy, string type) => AssertSameBitsTwice(strategy, type);

    [Theory]
    [InlineData("allgather", "float16", 1e-3)]
    [InlineData("allreduce", "bfloat16", 8e-3)]
    public void StrategiesNearlyAgree(string strategy, string type, double limit)
    {
        string[] alike = ["--model.name", "LR"];
        Weights exact = _train.Weights(2, Job(2, alike));

        Weights narrow = _train.Weights(2, Job(2, [.. alike, .. Wire(type), "--cluster.strategy", strategy]));

        double distance = narrow.DistanceOnSharedKeysTo(exact);
        _output.WriteLine($"{strategy} {type}: distance {distance:E2}");
        Assert.InRange(distance, double.Epsilon, limit);
    }

    [Fact]
    public void Float32IsWhatAFloat32ModelSendsAnyway() =>
        Assert.Equal(0, _train.Weights(2, Job(2)).DistanceTo(_train.Weights(2, Job(2, [.. Wire("float32"), "--cluster.wire.keys", "none"]))));

    [Fact]
    public void CompressedKeysChangeBytesButNoBits()
    {
        string[] plain = Job(2);
        string[] compressed = Job(2, "--cluster.wire.keys", "lz4");

        Assert.Equal(0, _train.Weights(2, plain).DistanceTo(_train.Weights(2, compressed)));
        Assert.True(BytesPulled(compressed) < BytesPulled(plain));
    }

    private static string[] Wire(string type) =>
        ["--cluster.wire.pull", type, "--cluster.wire.push", type, "--cluster.wire.dense", type, "--cluster.wire.keys", "lz4"];

    public void Dispose() => _train.Dispose();

    private void AssertSameBitsTwice(string strategy, string type)
    {
        string[] job = Job(2, [.. Wire(type), "--cluster.strategy", strategy]);

        Assert.Equal(0, _train.Weights(2, job).DistanceTo(_train.Weights(2, job)));
    }

    private void AssertNearlyEqual(string model, string type, double limit)
    {
        Weights exact = _train.Weights(1, Job(1, "--model.name", model));

        AssertNear(exact, _train.Weights(1, Job(1, ["--model.name", model, .. Wire(type)])), $"{model} {type} on 1 rank", limit);
        AssertNear(exact, _train.Weights(2, Job(2, ["--model.name", model, .. Wire(type)])), $"{model} {type} on 2 ranks", limit);
    }

    private void AssertNear(Weights exact, Weights narrow, string what, double limit)
    {
        double distance = narrow.DistanceTo(exact);
        _output.WriteLine($"{what}: distance {distance:E2}");
        Assert.True(distance > 0, $"{what}: nothing was rounded");
        Assert.True(distance <= limit, $"{what}: distance {distance:E2}, allowed {limit:E0}");
    }

    private long BytesPulled(string[] job)
    {
        JsonElement summary = _train.Summary(2, job);
        return summary.GetProperty("bytes_pulled").GetInt64();
    }

    private string[] Job(int trainers, params string[] more) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000",
        "--optimizer.name", "adagrad", "--optimizer.learning_rate", "0.01", "--train.batch_size", (GlobalBatch / trainers).ToString(),
        "--train.steps", Steps.ToString(), "--cluster.servers", "colocated", .. more,
    ];
}
