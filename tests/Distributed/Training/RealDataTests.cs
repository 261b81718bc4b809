using System.Text.Json;
using Xunit.Abstractions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Every model learns from real Criteo rows: 8000 to train, 2109 to test. A plain FTRL logistic regression has AUC 0.751 there.</summary>
[Trait("Kind", "Job")]
public sealed class RealDataTests(ITestOutputHelper output) : IDisposable
{
    private readonly OeTrain _train = new();

    [Theory]
    [InlineData("LR", 0.74)]
    [InlineData("DeepFM", 0.74)]
    public void ThreeRanksReachTheAreaUnderTheCurve(string model, double auc) => AssertReaches(3, model, auc, "--train.batch_size", "21");

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("LR", "array", "1", 0.74)]
    [InlineData("LR", "hash", "2", 0.74)]
    [InlineData("DeepFM", "array", "1", 0.74)]
    [InlineData("DeepFM", "array", "2", 0.74)]
    [InlineData("DeepFM", "array", "colocated", 0.74)]
    [InlineData("DeepFM", "hash", "1", 0.74)]
    [InlineData("DeepFM", "hash", "2", 0.74)]
    [InlineData("DeepFM", "hash", "colocated", 0.74)]
    [InlineData("WDL", "array", "2", 0.70)]
    [InlineData("xDeepFM", "hash", "2", 0.70)]
    public void EightRanksReachTheAreaUnderTheCurve(string model, string kind, string servers, double auc) =>
        AssertReaches(8, model, auc, "--embedding.kind", kind, "--cluster.servers", servers);

    public void Dispose() => _train.Dispose();

    private void AssertReaches(int ranks, string model, double auc, params string[] arguments)
    {
        if (OeTrain.RealData is not { } data)
        {
            output.WriteLine("Skips: OPENEMBEDDING_CRITEO_DATA names no file of real Criteo rows.");
            return;
        }

        JsonElement summary = _train.Summary(
            ranks, [OeTrain.Example(model == "LR" ? "criteo_real_lr.json" : "criteo_real.json"), "--data.train.files", data, "--data.test.files", data, "--model.name", model, .. arguments]);

        JsonElement test = summary.GetProperty("test");
        output.WriteLine($"{model} {string.Join(' ', arguments)}: test AUC {test.GetProperty("auc")}, logloss {test.GetProperty("logloss")}");
        Assert.Equal(2109, test.GetProperty("samples").GetInt64());
        Assert.InRange(test.GetProperty("auc").GetDouble(), auc, 1);
    }
}
