using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace OpenEmbedding.Collectives;

/// <summary>The events of one rank, kept until the end of the job, in Chrome's trace event format.</summary>
/// <remarks>
/// One complete event ("ph": "X") an operation: process = rank, thread = process set or the caller's lane, times in microseconds since the
/// start of rank 0. Source: the "Trace Event Format" document of the Chromium project.
/// </remarks>
internal sealed class Timeline(int rank, string host, long originTicks)
{
    // About 100 MB of events; a job that makes more keeps the first, which are those of the start.
    private const int MaxEvents = 1_000_000;

    private readonly List<Event> _events = [];
    private readonly long _ticksAtZero = Stopwatch.GetTimestamp() - ToStopwatch(DateTime.UtcNow.Ticks - originTicks);
    private long _dropped;

    internal void Add(string lane, string category, string name, string detail, long asked, long started, long ended)
    {
        lock (_events)
        {
            if (_events.Count < MaxEvents)
            {
                _events.Add(new Event(lane, category, name, detail, asked, started, ended));
            }
            else
            {
                _dropped++;
            }
        }
    }

    /// <summary>The events as JSON objects with commas between, without the brackets around.</summary>
    internal byte[] Encode()
    {
        lock (_events)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartArray();
                WriteName(json, "process_name", 0, $"rank {rank} ({host}){(_dropped > 0 ? $", {_dropped} events dropped" : "")}");
                var lanes = new Dictionary<string, int>();
                foreach (var item in _events)
                {
                    if (lanes.TryAdd(item.Lane, lanes.Count))
                    {
                        WriteName(json, "thread_name", lanes[item.Lane], item.Lane);
                    }

                    Write(json, item, lanes[item.Lane]);
                }

                json.WriteEndArray();
            }

            return buffer.WrittenSpan[1..^1].ToArray();
        }
    }

    /// <summary>Writes the parts of all ranks; the file appears whole.</summary>
    internal static void WriteFile(string path, IEnumerable<byte[]> parts)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        using (var file = File.Create(temporary))
        {
            file.Write("{\"displayTimeUnit\":\"ms\",\"traceEvents\":["u8);
            var separator = Encoding.UTF8.GetBytes("\n");
            foreach (var part in parts)
            {
                file.Write(separator);
                file.Write(part);
                separator = Encoding.UTF8.GetBytes(",\n");
            }

            file.Write("\n]}\n"u8);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private void WriteName(Utf8JsonWriter json, string what, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", what);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", rank);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, Event item, int thread)
    {
        json.WriteStartObject();
        json.WriteString("name", item.Name);
        json.WriteString("cat", item.Category);
        json.WriteString("ph", "X");
        json.WriteNumber("ts", Math.Round(Microseconds(item.Started - _ticksAtZero), 3));
        json.WriteNumber("dur", Math.Round(Microseconds(item.Ended - item.Started), 3));
        json.WriteNumber("pid", rank);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("detail", item.Detail);
        json.WriteNumber("queued_us", Math.Round(Microseconds(item.Started - item.Asked), 3));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static double Microseconds(long stopwatchTicks) => stopwatchTicks * 1e6 / Stopwatch.Frequency;

    private static long ToStopwatch(long ticks) => (long)(ticks * (double)Stopwatch.Frequency / TimeSpan.TicksPerSecond);

    private readonly record struct Event(
        string Lane, string Category, string Name, string Detail, long Asked, long Started, long Ended);
}
