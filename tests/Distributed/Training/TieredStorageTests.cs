using OpenEmbedding.Collectives;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Rows in files change nothing but where they are.</summary>
[Trait("Kind", "Job")]
public sealed class TieredStorageTests : IDisposable
{
    private const int Rows = 12_000;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public TieredStorageTests()
    {
        _rows = _train.WriteRows("rows.txt", Rows);
    }

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("array", 2, "1")]
    [InlineData("hash", 3, "colocated", "--cluster.staleness", "2")]
    public void TheWeightsAreThoseOfAJobInMemory(string kind, int ranks, string servers, params string[] more) =>
        AssertAsInMemory(kind, ranks, servers, more);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("hash", 4, "2", "--cluster.hot_rows", "100")]
    public void TheWeightsOfManyRanksAreThoseOfAJobInMemory(string kind, int ranks, string servers, params string[] more) =>
        AssertAsInMemory(kind, ranks, servers, more);

    [Fact]
    public void AFolderThatCannotBeMadeEndsTheJobWithOneLine()
    {
        string path = Path.Combine(_train.Write("file", ""), "store");
        MpiJobResult result = OeTrain.Run(2, [.. Job("hash"), "--embedding.storage", "tiered", "--embedding.storage_path", path]);

        Assert.Equal(JobExitCode.Data, result.ExitCode);
        Assert.Contains($"Table embedding: cannot open {path}/embedding.server-0-of-1.rows: ", result.ToString());
    }

    /// <summary>Increments of rows in files, read by jobs whose rows are in memory, in files, and on other servers; and the other way round.</summary>
    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("array")]
    [InlineData("hash")]
    public void GoesOnWithTheSameBits(string kind) => AssertGoesOnWithTheSameBits(kind);

    /// <summary>Whatever a kill leaves of the files of rows is of no account; in turn rows are in files and in memory.</summary>
    [Theory]
    [Trait("Kind", "Long")]
    [InlineData(4)]
    public void KilledAgainAndAgainItEndsAsIfItWereNot(int kills)
    {
        string folder = _train.In("checkpoints");
        string[] job = [.. Job("hash"), "--embedding.dimension", "64", "--cluster.servers", "2", "--train.epochs", "12", "--train.log_every", "1", "--output.progress", "lines"];
        Weights whole = _train.Weights(3, job);
        string[] saving = [.. job, "--checkpoint", folder, "--checkpoint.every_steps", "7", "--checkpoint.increments", "3"];
        var random = new Random(3);
        for (int kill = 0; kill < kills; kill++)
        {
            string[] load = kill > 0 ? ["--load", folder] : [];
            using MpiJob running = MpiJob.Start(3, OeTrain.Program, [.. saving, .. kill % 3 == 2 ? [] : Tiered, .. load], timeout: OeTrain.Limit);
            running.WaitForText("checkpoint of step ");
            running.WaitForTextOrEnd("  step ", 1 + random.Next(40));
            MpiJob.Kill(running.RankProcesses().Values.ElementAt(random.Next(3)));
            running.WaitForExit();
        }

        Assert.Equal(0, _train.Weights(3, [.. saving, .. Tiered, "--load", folder]).DistanceTo(whole));
    }

    private void AssertAsInMemory(string kind, int ranks, string servers, string[] more)
    {
        string[] job = [.. Job(kind), "--cluster.servers", servers, .. more];
        string[] tiered = [.. job, .. Tiered];

        // With staleness, two runs differ in what a pull sees.
        if (more.Contains("--cluster.staleness"))
        {
            Assert.True(_train.Summary(ranks, tiered).GetProperty("samples").GetInt64() > 0);
        }
        else
        {
            Assert.Equal(0, _train.Weights(ranks, job).DistanceTo(_train.Weights(ranks, tiered)));
        }

        Assert.Empty(Directory.GetFiles(_train.In("store")));
    }

    private void AssertGoesOnWithTheSameBits(string kind)
    {
        string[] job = [.. Job(kind), "--embedding.dimension", "64"];
        string[] twoServers = [.. job, "--cluster.servers", "2"];
        string[] oneServer = [.. job, "--cluster.servers", "1"];
        Weights whole = _train.Weights(3, twoServers);
        foreach (string[] storage in (string[][])[Tiered, []])
        {
            string folder = _train.In($"checkpoints-{storage.Length}");
            string[] saving = ["--checkpoint", folder, "--checkpoint.every_steps", "13", "--checkpoint.increments", "4", "--checkpoint.keep", "1000"];
            Assert.Equal(0, _train.Weights(3, [.. twoServers, .. storage, .. saving]).DistanceTo(whole));

            // Any will do that has all its increments.
            string[] manifests = [.. Manifests(folder)[5..]];
            string manifest = manifests[Random.Shared.Next(manifests.Length)];
            string[] load = ["--load", manifest];
            AssertSame(_train.Weights(3, [.. twoServers, .. Tiered, .. load]));
            AssertSame(_train.Weights(2, [.. oneServer, .. Tiered, .. load]));
            AssertSame(_train.Weights(2, [.. oneServer, .. load]));

            void AssertSame(Weights continued) => Assert.True(continued.DistanceTo(whole) == 0, $"continued from {manifest}");
        }
    }

    private static string[] Manifests(string folder) => [.. Directory.GetFiles(folder, "step-*.json").Order(StringComparer.Ordinal)];

    private string[] Tiered => ["--embedding.storage", "tiered", "--embedding.cache_mb", "1", "--embedding.storage_path", _train.In("store")];

    private string[] Job(string kind) =>
    [
        "--data.train", _rows, "--data.vocabulary", "50000", "--embedding.kind", kind, "--embedding.dimension", "32", "--optimizer", "adam",
        "--train.batch_size", "100", "--model.dnn_hidden_units", "8", "--train.epochs", "2", "--train.prefetch", "2",
    ];
}
