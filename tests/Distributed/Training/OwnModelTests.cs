using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>The three-line API, as the example uses it.</summary>
[Trait("Kind", "Job")]
public sealed partial class OwnModelTests
{
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

    private static double Number(Match match, int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"end: squared error (\S+) on (\d+) trainers and (\d+) servers")]
    private static partial Regex End();
}
