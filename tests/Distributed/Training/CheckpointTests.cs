using System.Runtime.InteropServices;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Training that stops and goes on gives what training without a stop gives, and a checkpoint loads wherever it was saved.</summary>
[Trait("Kind", "Job")]
public sealed class CheckpointTests : IDisposable
{
    private const int Interrupted = 130;
    private const int StepsOfEpoch = 8;
    private const int GlobalBatch = 96;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public CheckpointTests()
    {
        // The last batch of an epoch is a short one.
        _rows = _train.WriteRows("rows.txt", (GlobalBatch * StepsOfEpoch) - 50);
    }

    [Fact]
    public void GoesOnWithTheSameBits() => AssertSameBits("adam", "--embedding.kind", "hash");

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("adagrad", "array", "allreduce")]
    [InlineData("ftrl", "hash", "allgather")]
    public void EveryStrategyGoesOnWithTheSameBits(string optimizer, string kind, string strategy) =>
        AssertSameBits(optimizer, "--embedding.kind", kind, "--cluster.strategy", strategy);

    [Theory]
    [Trait("Kind", "Long")]
    [MemberData(nameof(EveryOptimizerAndKind))]
    public void EveryOptimizerGoesOnWithTheSameBits(string optimizer, string kind) => AssertSameBits(optimizer, "--embedding.kind", kind);

    [Theory]
    [InlineData("array", 2, 3)]
    [InlineData("hash", 2, 1)]
    public void LoadsOnOtherServers(string kind, int saved, int loaded) => AssertLoads(kind, saved, loaded.ToString(), ranks: loaded + 1);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("array", 1, 4)]
    [InlineData("hash", 1, 4)]
    [InlineData("array", 4, 3)]
    [InlineData("hash", 4, 3)]
    public void LoadsOnMoreServers(string kind, int saved, int loaded) => AssertLoads(kind, saved, loaded.ToString(), ranks: loaded + 1);

    [Fact]
    [Trait("Kind", "Long")]
    public void LoadsOnColocatedServersAndOnReplicas()
    {
        AssertLoads("hash", 2, "colocated", ranks: 3);
        AssertLoads("array", 1, "colocated:2", ranks: 3);
        AssertLoads("hash", 1, "auto", ranks: 2, "--cluster.strategy", "allgather");
    }

    [Fact]
    public void SigtermSavesAndTheNextJobGoesOn()
    {
        string folder = _train.In("checkpoints");
        string[] endless = [.. Job("adagrad"), "--train.epochs", "100000", "--train.log_every", "1", "--output.progress", "lines"];
        using MpiJob job = MpiJob.Start(3, OeTrain.Program, [.. endless, "--checkpoint", folder, "--checkpoint.every_epochs", "0"], timeout: OeTrain.Limit);
        job.WaitForText("epoch 2  step 3 ");
        MpiJob.Signal(job.RankProcesses()[0], PosixSignal.SIGTERM);

        MpiJobResult stopped = job.WaitForExit();

        Assert.True(stopped.ExitCode == Interrupted, stopped.ToString());
        Assert.Contains("oe-train: interrupted by SIGTERM after step ", stopped.Error, StringComparison.Ordinal);
        string manifest = Assert.Single(Manifests(folder));
        int epoch = Training(manifest).GetProperty("epoch").GetInt32();
        string epochs = (epoch + 1).ToString();
        Weights whole = _train.Weights(3, [.. Job("adagrad"), "--train.epochs", epochs]);
        Weights continued = _train.Weights(3, [.. Job("adagrad"), "--train.epochs", epochs, "--load", folder]);
        Assert.Equal(0, continued.DistanceTo(whole));
    }

    [Fact]
    public void ResumesWhereThereIsACheckpointAndElseBegins()
    {
        string[] resuming = [.. Job("adam"), "--checkpoint", _train.In("checkpoints"), "--resume"];
        Weights whole = _train.Weights(3, [.. Job("adam"), "--train.epochs", "2"]);

        _train.Weights(3, [.. resuming, "--train.epochs", "1"]);
        Weights continued = _train.Weights(3, [.. resuming, "--train.epochs", "2"]);

        Assert.Equal(0, continued.DistanceTo(whole));
        AssertFails(2, "checkpoint.resume = true needs checkpoint.directory", "--resume");
    }

    [Fact]
    public void SavedModelStartsAnotherJobWithItsWeights()
    {
        string model = _train.In("model");
        Weights trained = _train.Weights(3, [.. Job("adam"), "--save", model]);

        // Steps too short to be seen, which without the model would start from other weights.
        Weights loaded = _train.Weights(2, [.. Job("sgd"), "--load", model, "--optimizer.learning_rate", "1e-12"]);

        Assert.InRange(loaded.DistanceTo(trained), 0, 1e-6);
        Assert.DoesNotContain("/m\"", File.ReadAllText(Assert.Single(Manifests(model))), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotBeLoadedOrSavedIsOneLine()
    {
        string folder = _train.In("checkpoints");
        Directory.CreateDirectory(_train.In("empty"));
        _train.Weights(2, [.. Job("adagrad"), "--checkpoint", folder]);
        string manifest = Assert.Single(Manifests(folder));
        string segment = Assert.Single(Directory.GetFiles(Path.Combine(folder, "files"), "*.server-0-of-1.safetensors"));

        AssertFails(3, $"The folder {_train.In("empty")} has no", "--load", _train.In("empty"));
        AssertFails(2, "has rows of 9 weights, the model has 5", "--load", folder, "--embedding.dimension", "5");
        AssertFails(2, "array dense/dnn.1.weight is F32 [16, 8], the model has F32 [16, 4]", "--load", folder, "--model.dnn_hidden_units", "16,4");
        AssertFails(2, $"The folder {_rows}/checkpoints for checkpoints cannot be made", "--checkpoint", $"{_rows}/checkpoints");
        using (File.Open(Path.Combine(folder, ".lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            AssertFails(2, "another job writes there", "--checkpoint", folder);
        }

        AssertFails(2, $"{manifest} is there already, and would stay newer", "--checkpoint", folder);
        AssertFails(2, $"{manifest} is there already; remove it", "--save", folder);

        byte[] bytes = File.ReadAllBytes(segment);
        bytes[^1] ^= 1;
        File.WriteAllBytes(segment, bytes);
        AssertFails(3, $"{segment} does not have the checksum that {manifest} tells", "--load", folder);
        File.WriteAllBytes(segment, bytes[..^1]);
        AssertFails(3, segment, "--load", manifest);
    }

    /// <summary>A killed job leaves whole checkpoints only; the next one goes on, and ends as one that was never killed.</summary>
    [Theory]
    [Trait("Kind", "Long")]
    [InlineData(50)]
    public void KilledAgainAndAgainItEndsAsIfItWereNot(int kills)
    {
        string folder = _train.In("checkpoints");
        string[] job = [.. Job("adam"), "--train.epochs", "160", "--train.log_every", "1", "--output.progress", "lines"];
        Weights whole = _train.Weights(3, job);
        string[] saving = [.. job, "--checkpoint", folder, "--checkpoint.every_steps", "3", "--resume"];
        var random = new Random(7);
        for (int kill = 0; kill < kills; kill++)
        {
            long at = Directory.Exists(folder) && Manifests(folder).Length > 0 ? Training(Manifests(folder)[^1]).GetProperty("steps").GetInt64() : 0;
            using MpiJob running = MpiJob.Start(3, OeTrain.Program, saving, timeout: OeTrain.Limit);
            if (at > 0)
            {
                running.WaitForText("loading ");
            }

            // Every other job gets on by a checkpoint at least.
            running.WaitForTextOrEnd("checkpoint of step ", kill % 2);

            // A few steps on, so that the next checkpoint may be about to begin, under way or just done.
            running.WaitForTextOrEnd("  step ", 1 + random.Next(12));
            MpiJob.Kill(running.RankProcesses().Values.ElementAt(random.Next(3)));
            running.WaitForExit();
        }

        Weights last = _train.Weights(3, saving);

        Assert.Equal(0, last.DistanceTo(whole));
    }

    public static TheoryData<string, string> EveryOptimizerAndKind()
    {
        var cases = new TheoryData<string, string>();
        foreach (string optimizer in (string[])["sgd", "adagrad", "adadelta", "adam", "adamax", "nadam", "rmsprop", "ftrl"])
        {
            cases.Add(optimizer, "array");
            cases.Add(optimizer, "hash");
        }

        return cases;
    }

    public void Dispose() => _train.Dispose();

    private static string[] Manifests(string folder) => [.. Directory.GetFiles(folder, "step-*.json").Order(StringComparer.Ordinal)];

    private static JsonElement Training(string manifest) =>
        JsonDocument.Parse(File.ReadAllText(manifest)).RootElement.GetProperty("manifest").GetProperty("training");

    /// <summary>One job saves as it goes, another goes on from one of its checkpoints, and both end as the one that did neither.</summary>
    private void AssertSameBits(string optimizer, params string[] more)
    {
        string folder = _train.In($"checkpoints-{Guid.NewGuid():N}");
        string[] job = [.. Job(optimizer), "--train.epochs", "2", .. more];
        string wholeSummary = _train.In("whole.json");
        string continuedSummary = _train.In("continued.json");
        Weights whole = _train.Weights(3, [.. job, "--output.summary", wholeSummary]);
        Weights saving = _train.Weights(3, [.. job, "--checkpoint", folder, "--checkpoint.every_steps", "1", "--checkpoint.keep", "1000"]);
        Assert.Equal(0, saving.DistanceTo(whole));

        // Any step will do, and another one each time.
        string[] manifests = Manifests(folder);
        Assert.Equal(Read(wholeSummary, "steps"), manifests.Length.ToString());
        string manifest = manifests[Random.Shared.Next(manifests.Length)];
        Weights continued = _train.Weights(3, [.. job, "--load", manifest, "--output.summary", continuedSummary]);

        Assert.True(continued.DistanceTo(whole) == 0, $"continued from {manifest}");
        foreach (string key in (string[])["train", "samples", "steps", "bad_rows"])
        {
            Assert.Equal(Read(wholeSummary, key), Read(continuedSummary, key));
        }
    }

    private void AssertLoads(string kind, int saved, string servers, int ranks, params string[] more)
    {
        string folder = _train.In($"checkpoints-{Guid.NewGuid():N}");
        string[] job = [.. Job("adam"), "--embedding.kind", kind];
        Weights written = _train.Weights(saved + 1, [.. job, "--cluster.servers", saved.ToString(), "--checkpoint", folder]);

        // Nothing is left to train, so that the weights are those of the checkpoint.
        Weights loaded = _train.Weights(ranks, [.. job, "--cluster.servers", servers, "--load", folder, .. more]);

        Assert.Equal(0, loaded.DistanceTo(written));
    }

    private void AssertFails(int exitCode, string message, params string[] more)
    {
        MpiJobResult result = OeTrain.Run(2, [.. Job("adagrad"), .. more]);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        string line = Assert.Single(result.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Contains(message, line, StringComparison.Ordinal);
    }

    private static string Read(string summary, string key) => JsonDocument.Parse(File.ReadAllText(summary)).RootElement.GetProperty(key).GetRawText();

    private string[] Job(string optimizer) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000",
        "--optimizer.name", optimizer, "--train.batch_size", (GlobalBatch / 2).ToString(),
    ];
}
