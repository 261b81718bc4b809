using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Trainers with different numbers of rows end together and count every sample once.</summary>
[Trait("Kind", "Job")]
public sealed class UnevenDataTests : IDisposable
{
    private readonly OeTrain _train = new();

    [Theory]
    [InlineData("ps", 4)]
    [InlineData("allreduce", 3)]
    [InlineData("allgather", 3)]
    public void TrainersWithNoneOneAndAThousandRows(string strategy, int ranks)
    {
        string[] files = [_train.WriteRows("a0.txt", 0), _train.WriteRows("a1.txt", 1), _train.WriteRows("a1000.txt", 1000)];

        JsonElement summary = _train.Summary(
            ranks, "--data.train", string.Join(',', files), "--data.shard", "files", "--data.test", string.Join(',', files), "--data.vocabulary", "1000",
            "--cluster.strategy", strategy, "--train.batch_size", "64", "--train.epochs", "2");

        Assert.Equal(3, summary.GetProperty("trainers").GetInt32());
        Assert.Equal(2 * 1001, summary.GetProperty("samples").GetInt64());
        Assert.Equal(2 * 16, summary.GetProperty("steps").GetInt64());
        Assert.Equal(1001, summary.GetProperty("test").GetProperty("samples").GetInt64());
    }

    [Fact]
    public void MoreTrainersThanRows()
    {
        JsonElement summary = _train.Summary(
            4, "--data.train", _train.WriteRows("rows.txt", 5), "--cluster.servers", "colocated", "--train.batch_size", "2", "--data.vocabulary", "1000");

        Assert.Equal(5, summary.GetProperty("samples").GetInt64());
    }

    public void Dispose() => _train.Dispose();
}
