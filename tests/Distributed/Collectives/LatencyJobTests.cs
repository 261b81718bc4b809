using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>The ratio of our all-reduce of 64 bytes to MPI's blocking one, both measured in turns within one run.</summary>
[Trait("Kind", "Long")]
public sealed partial class LatencyJobTests
{
    [Fact]
    public void More_ranks_than_cores_gain_fiftyfold()
    {
        var result = CollectivesProgram.Run(4 * Environment.ProcessorCount, "latency");
        Assert.True(result.ExitCode == 0, result.ToString());
        var ratio = double.Parse(Ratio().Match(result.Output).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(ratio >= 50, result.Output);
    }

    [GeneratedRegex(@"ratio ([\d.]+)")]
    private static partial Regex Ratio();
}
