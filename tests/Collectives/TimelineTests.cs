using System.Diagnostics;
using System.Text.Json;

namespace OpenEmbedding.Collectives.Tests;

public sealed class TimelineTests
{
    [Fact]
    public void File_joins_the_parts_of_the_ranks_and_replaces_an_older_one()
    {
        var folder = Directory.CreateTempSubdirectory("timeline");
        try
        {
            var path = Path.Combine(folder.FullName, "sub", "timeline.json");
            var origin = DateTime.UtcNow.Ticks;
            var parts = new List<byte[]>();
            for (var rank = 0; rank < 2; rank++)
            {
                var timeline = new Timeline(rank, "host", origin);
                var now = Stopwatch.GetTimestamp();
                timeline.Add("lane", "all-reduce", "dense \"a\"", "8 float32", now, now + Stopwatch.Frequency, now + (3 * Stopwatch.Frequency));
                parts.Add(timeline.Encode());
            }

            Timeline.WriteFile(path, [parts[0]]);
            Timeline.WriteFile(path, parts);

            Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            var events = document.RootElement.GetProperty("traceEvents").EnumerateArray()
                .Where(item => item.GetProperty("ph").GetString() == "X").ToList();
            Assert.Equal([0, 1], events.Select(item => item.GetProperty("pid").GetInt32()));
            Assert.Equal("dense \"a\"", events[0].GetProperty("name").GetString());
            Assert.Equal(2e6, events[0].GetProperty("dur").GetDouble());
            Assert.Equal(1e6, events[0].GetProperty("args").GetProperty("queued_us").GetDouble());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
