using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>The three-line API, as the example uses it.</summary>
[Trait("Kind", "Job")]
public sealed partial class OwnModelTests : IDisposable
{
    private readonly OeTrain _train = new();

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 2, 1)]
    public void ExampleLearnsOnTrainersAndServers(int ranks, int trainers, int servers)
    {
        MpiJobResult result = MpiJob.Run(ranks, OeTrain.ExampleProgram("OwnModel"), [], timeout: OeTrain.Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Match end = End().Match(result.Output);
        Assert.True(end.Success, result.ToString());
        Assert.Equal((trainers, servers), (Number(end, 2), Number(end, 3)));
        Assert.True(Number(end, 1) < 0.1, $"the likes have a variance of 0.25, of which the model must explain most\n{result}");
    }

    /// <summary>It stops, finds its newest checkpoint damaged, goes on from the one before and ends as one that did not stop.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void ExampleGoesOnWithTheSameBits()
    {
        string whole = _train.In("whole");
        string parts = _train.In("parts");
        Run(whole);
        Run(parts, "200");
        string dense = Assert.Single(Directory.GetFiles(parts, "files/step-000000200.dense.*"));
        OeTrain.Flip(dense);

        MpiJobResult result = Run(parts);

        Assert.Contains($"OwnModel: {dense} does not have the checksum that ", result.Error, StringComparison.Ordinal);
        Assert.Contains("going on from step 150", result.Output, StringComparison.Ordinal);
        Assert.Equal(Dense(whole), Dense(parts));

        byte[] Dense(string folder) => File.ReadAllBytes(Assert.Single(Directory.GetFiles(folder, "files/step-000000400.dense.*")));
    }

    public void Dispose() => _train.Dispose();

    private static MpiJobResult Run(params string[] arguments)
    {
        MpiJobResult result = MpiJob.Run(3, OeTrain.ExampleProgram("OwnModel"), arguments, timeout: OeTrain.Limit);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result;
    }

    private static double Number(Match match, int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"end: squared error (\S+) on (\d+) trainers and (\d+) servers")]
    private static partial Regex End();
}
