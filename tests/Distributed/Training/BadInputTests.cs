using System.IO.Compression;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>What is wrong gets one line from one rank, and the exit code tells.</summary>
[Trait("Kind", "Job")]
public sealed class BadInputTests : IDisposable
{
    private const int Configuration = 2;
    private const int Data = 3;
    private const int Cluster = 4;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public BadInputTests()
    {
        _rows = _train.WriteRows("rows.txt", 100);
    }

    [Fact]
    public void MisspeltKeyNamesTheNearestOne()
    {
        string config = _train.Write("job.json", $$"""{ "data": { "train": "{{_rows}}" }, "train": { "batch_sise": 10 } }""");

        AssertOneLine(OeTrain.Run(2, config), Configuration, $"oe-train: {config}: train.batch_sise is not a known key; did you mean \"batch_size\"?");
    }

    [Fact]
    public void WrongType() => AssertOneLine(
        OeTrain.Run(2, "--data.train", _rows, "--train.batch_size", "many"), Configuration, "train.batch_size = \"many\" is not an integer from 1 to 16777216");

    [Fact]
    public void ValueOutOfRange() => AssertOneLine(
        OeTrain.Run(2, "--data.train", _rows, "--embedding.dimension", "5000"), Configuration, "embedding.dimension = 5000");

    [Fact]
    public void NoTypeOfTheWire() => AssertOneLine(
        OeTrain.Run(2, "--data.train", _rows, "--cluster.wire.push", "int8"),
        Configuration,
        "cluster.wire.push = \"int8\" is not one of \"float16\", \"bfloat16\", \"float32\"");

    [Fact]
    public void NoGpu() => AssertOneLine(
        RunWith("CUDA_VISIBLE_DEVICES", "", 3, "--train.device", "cuda"), Cluster, "train.device is cuda, but NVIDIA's driver");

    [Fact]
    public void TwoLibraries() => AssertOneLine(
        RunWith("OE_LIBTORCH", _train.In("lib"), 2),
        Configuration,
        "OE_LIBTORCH is set, but this program brings its own libtorch; unset it, or take a build with TorchBackend=system");

    [Fact]
    public void ConfigurationMissing() => AssertOneLine(OeTrain.Run(2, "none.json"), Configuration, "none.json: no such file");

    [Theory]
    [InlineData(1, "auto")]
    [InlineData(2, "1")]
    [InlineData(2, "colocated")]
    public void DataFileMissing(int ranks, string servers) => AssertOneLine(
        OeTrain.Run(ranks, "--data.train", "none.txt", "--cluster.servers", servers), Data, "none.txt: no such file");

    [Fact]
    public void DataFileEmpty() => AssertOneLine(OeTrain.Run(2, "--data.train", _train.Write("empty.txt", "")), Data, "empty.txt: no rows");

    [Fact]
    public void DataFileOfFolderEmpty()
    {
        Directory.CreateDirectory(_train.In("parts"));
        _train.Write("parts/1.txt", File.ReadAllText(_rows));
        string empty = _train.Write("parts/2.txt", "");

        AssertOneLine(OeTrain.Run(2, "--data.train", _train.In("parts")), Data, $"{empty}: an empty file, found by");
    }

    [Fact]
    public void DataFileCutOff()
    {
        string file = _train.In("rows.txt.gz");
        using (var stream = new GZipStream(File.Create(file), CompressionLevel.Fastest))
        {
            stream.Write(File.ReadAllBytes(_rows));
        }

        using (FileStream stream = File.OpenWrite(file))
        {
            stream.SetLength(stream.Length - 5);
        }

        AssertOneLine(OeTrain.Run(2, "--data.train", file), Data, "cannot be read: the compressed data is cut off or damaged; expected a whole gzip file");
    }

    [Fact]
    public void MalformedRowNamesFileAndLine()
    {
        string file = _train.Write("bad.txt", File.ReadAllText(_rows) + "1\t2\t3\n");

        AssertOneLine(OeTrain.Run(2, "--data.train", file), Data, $"{file}:101: ");
    }

    [Fact]
    public void MalformedRowsAreCountedWhenSkipped()
    {
        string file = _train.Write("bad.txt", "1\t2\t3\n" + File.ReadAllText(_rows) + "x\n");

        System.Text.Json.JsonElement summary = _train.Summary(3, "--data.train", file, "--data.on_bad_row", "skip", "--train.batch_size", "10");

        Assert.Equal(2, summary.GetProperty("bad_rows").GetInt64());
        Assert.Equal(100, summary.GetProperty("samples").GetInt64());
    }

    [Fact]
    public void MoreServersThanRanksAllow() => AssertOneLine(
        OeTrain.Run(2, "--data.train", _rows, "--cluster.servers", "2"), Cluster, "cluster.servers is 2, but a job of 2 ranks has room for at most 1");

    [Fact]
    public void DifferentConfigurationsAmongRanks()
    {
        MpiJobResult result = MpiJob.RunDifferent(
            [(OeTrain.Program, ["--data.train", _rows, "--train.epochs", "1"]), (OeTrain.Program, ["--data.train", _rows, "--train.epochs", "2"])],
            OeTrain.Limit);

        AssertOneLine(result, Cluster, "all ranks must have the same configurations");
    }

    [Fact]
    public void DifferentProgramsAmongRanks()
    {
        string other = _train.CopyProgramWithOtherVersion();

        MpiJobResult result = MpiJob.RunDifferent([(OeTrain.Program, ["--data.train", _rows]), (other, ["--data.train", _rows])], OeTrain.Limit);

        AssertOneLine(result, Cluster, "all ranks must have the same program versions");
    }

    [Fact]
    public void StartedUnderOpenMpi()
    {
        MpiJobResult result = MpiJob.Run(
            0,
            OeTrain.Program,
            ["--data.train", _rows],
            new Dictionary<string, string?> { ["OMPI_COMM_WORLD_SIZE"] = "2", ["OMPI_COMM_WORLD_RANK"] = "0" });

        AssertOneLine(result, Cluster, "Open MPI");
    }

    public void Dispose() => _train.Dispose();

    private MpiJobResult RunWith(string variable, string value, int ranks, params string[] arguments) => MpiJob.Run(
        ranks, OeTrain.Program, ["--data.train", _rows, .. arguments], new Dictionary<string, string?> { [variable] = value }, OeTrain.Limit);

    private static void AssertOneLine(MpiJobResult result, int exitCode, string text)
    {
        string[] lines = [.. result.Error.Split('\n').Where(line => line.StartsWith("oe-train: ", StringComparison.Ordinal))];
        Assert.True(lines.Length == 1, $"one line expected\n{result}");
        Assert.Contains(text, lines[0], StringComparison.Ordinal);
        Assert.True(exitCode == result.ExitCode, $"exit code {exitCode} expected\n{result}");
    }
}
