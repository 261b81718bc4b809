using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>The timeline of a job: one file of Chrome's trace format with the events of every rank.</summary>
[Trait("Kind", "Job")]
public sealed class TimelineJobTests
{
    [Fact]
    public void File_has_the_operations_of_every_rank()
    {
        var folder = Directory.CreateTempSubdirectory("timeline");
        try
        {
            var path = Path.Combine(folder.FullName, "timeline.json");
            var result = CollectivesProgram.Run(3, "messages", $"timeline={path}");
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal([path], Directory.GetFiles(folder.FullName));

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var events = document.RootElement.GetProperty("traceEvents").EnumerateArray().ToList();
            for (var rank = 0; rank < 3; rank++)
            {
                var barrier = Assert.Single(
                    events, item => Text(item, "cat") == "barrier" && item.GetProperty("pid").GetInt32() == rank);
                Assert.Equal("X", Text(barrier, "ph"));
                Assert.True(barrier.GetProperty("dur").GetDouble() > 0);
                Assert.InRange(barrier.GetProperty("ts").GetDouble(), 0, 120e6);
                Assert.Contains(
                    events,
                    item => Text(item, "name") == "process_name"
                        && Text(item.GetProperty("args"), "name")!.StartsWith($"rank {rank} ", StringComparison.Ordinal));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) ? value.GetString() : null;
}
