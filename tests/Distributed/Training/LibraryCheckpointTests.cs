namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Checkpoints of programs with a training loop of their own.</summary>
[Trait("Kind", "Job")]
public sealed class LibraryCheckpointTests : IDisposable
{
    private readonly OeTrain _train = new();

    private static string Program => OeTrain.TestProgram("ModelProgram", "OpenEmbedding.Trainer.TestProgram.dll");

    public void Dispose() => _train.Dispose();

    [Fact]
    public void TrainingGoesOnWithTheSameBits() => AssertSameBits("adam", tiered: true);

    [Fact]
    [Trait("Kind", "Long")]
    public void TrainingGoesOnWithTheSameBitsInMemory() => AssertSameBits("ftrl", tiered: false);

    /// <summary>Two models of one job, of which one takes every other step, against a job for each; their tables have the same name.</summary>
    [Fact]
    public void EachOfTwoModelsTrainsAsItDoesAlone()
    {
        Run(3, "pair", _train.In("first"), _train.In("second"), _train.In("store"));
        AssertEachAsAlone(tolerance: 0);
    }

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("pair-hot", 3)]
    [InlineData("pair-allgather", 2)]
    public void EachOfTwoModelsTrainsAsItDoesAloneWhateverTheStrategy(string situation, int ranks)
    {
        Run(ranks, situation, _train.In("first"), _train.In("second"));
        AssertEachAsAlone(tolerance: 1e-5);
    }

    [Fact]
    public void WeightsGoFromTheProgramsToEachOther()
    {
        string rows = _train.WriteRows("rows.txt", 500);
        string[] job =
        [
            "--data.train", rows, "--model.name", "LR", "--embedding.kind", "hash", "--data.vocabulary", "1000", "--train.batch_size", "100",
        ];
        Weights trained = _train.Weights(2, [.. job, "--save", _train.In("model")]);
        Run(3, "weights", _train.In("model"), _train.In("copy"));

        // Steps too short to be seen, which without the weights would start from others.
        Weights loaded = _train.Weights(2, [.. job, "--load", _train.In("copy"), "--optimizer.name", "sgd", "--optimizer.learning_rate", "1e-12"]);
        Assert.InRange(loaded.DistanceTo(trained), 0, 1e-6);
    }

    [Fact]
    public void OnlyTheBestAreKept()
    {
        Run(3, "best", _train.In("best"));

        Assert.Equal(["step-000000002.json", "step-000000005.json"], Manifests("best"));
    }

    [Fact]
    public void WhatCannotBeDoneFailsOnEveryTrainerAndTrainingGoesOn()
    {
        _train.Write("file", "");
        Run(2, "adam", _train.In("newer"), "2");
        MpiJobResult result = Run(3, "refused", _train.Folder);

        Assert.Contains("OpenEmbedding.Trainer.TestProgram: checkpoint of step 2 failed: ", result.Error, StringComparison.Ordinal);
        Assert.Equal(["step-000000004.json"], Manifests("checkpoints"));
    }

    [Fact]
    public void AnotherOptimizerKeepsTheWeightsAndSaysSo()
    {
        Run(2, "adam", _train.In("checkpoints"), "3");
        MpiJobResult result = Run(2, "sgd", _train.In("checkpoints"), "1");

        Assert.Contains("Table linear: saved with adam, trained with sgd; weights are kept, slots start anew.", result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Dense weights: saved with Adam, trained with SGD; weights are kept, the state of the optimizer starts anew.", result.Error, StringComparison.Ordinal);
    }

    private void AssertSameBits(string optimizer, bool tiered)
    {
        string[] storage = tiered ? [_train.In("store")] : [];
        Run(3, [optimizer, _train.In("whole"), "12", .. storage]);
        Run(3, [optimizer, _train.In("parts"), "5", .. storage]);
        Run(3, [optimizer, _train.In("parts"), "7", .. storage]);

        Assert.Equal(["step-000000005.json", "step-000000012.json"], Manifests("parts"));
        Assert.Equal(Dense("whole"), Dense("parts"));
        Assert.Equal(RowsOf("whole"), RowsOf("parts"));
    }

    private static MpiJobResult Run(int ranks, params string[] arguments)
    {
        MpiJobResult result = MpiJob.Run(ranks, Program, arguments, timeout: OeTrain.Limit);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result;
    }

    private byte[] Dense(string folder) => File.ReadAllBytes(Assert.Single(Directory.GetFiles(_train.In(folder), "files/step-000000012.dense.*")));

    private void AssertEachAsAlone(double tolerance)
    {
        Run(3, "adam", _train.In("first-alone"), "40");
        Run(3, "sgd", _train.In("second-alone"), "20");
        foreach (string folder in (string[])["first", "second"])
        {
            SortedDictionary<double, double> expected = RowsOf(folder + "-alone");
            SortedDictionary<double, double> actual = RowsOf(folder);
            Assert.Equal(expected.Keys, actual.Keys);
            Assert.All(expected, row => Assert.InRange(actual[row.Key], row.Value - tolerance, row.Value + tolerance));
            Assert.InRange(DenseOf(folder).DistanceTo(DenseOf(folder + "-alone")), 0, tolerance);
        }

        Weights DenseOf(string folder) => Weights.Read(Assert.Single(Directory.GetFiles(_train.In(folder + "-copy"), "files/*.dense.*")));
    }

    /// <summary>All rows by key, taken by another job, so that their places do not matter.</summary>
    private SortedDictionary<double, double> RowsOf(string folder)
    {
        string copy = _train.In(folder + "-copy");
        Run(2, "weights", _train.In(folder), copy);
        Weights file = Weights.Read(Assert.Single(Directory.GetFiles(copy, "files/*.server-*")));
        double[] keys = file["table/linear/keys"];
        Assert.NotEmpty(keys);
        return new SortedDictionary<double, double>(keys.Zip(file["table/linear/weights"]).ToDictionary(row => row.First, row => row.Second));
    }

    private IEnumerable<string?> Manifests(string folder) =>
        Directory.GetFiles(_train.In(folder), "step-*.json").Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
