using System.Diagnostics;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>A rank that comes late is named by a rank that waits.</summary>
[Trait("Kind", "Job")]
public sealed partial class StallJobTests
{
    [Fact]
    public void Warning_names_the_operation_and_the_missing_rank_once()
    {
        var fifo = Path.Combine(Path.GetTempPath(), $"late-{Guid.NewGuid():n}");
        Process.Start("mkfifo", fifo).WaitForExit();
        try
        {
            using var job = CollectivesProgram.Start(4, "late", $"fifo={fifo}", "stall_seconds=0.5");
            job.WaitForText("missing");
            File.WriteAllText(fifo, "go on");
            var result = job.WaitForExit();

            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Matches(Warning(), result.Error);
            for (var rank = 0; rank < 4; rank++)
            {
                Assert.Contains($"rank {rank} has 12", result.Output);
            }
        }
        finally
        {
            File.Delete(fifo);
        }
    }

    // The whole of the standard error: one line, from the lowest rank that waits.
    [GeneratedRegex(
        """^rank 0: all-reduce "gradients" \(3 float32\) of all 4 ranks has waited \d+\.\d s; missing: rank 3\n$""",
        RegexOptions.CultureInvariant)]
    private static partial Regex Warning();
}
