using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Observation;
using OpenEmbedding.Trainer.Observation.Prometheus;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Observation;

public sealed class MetricsTests
{
    [Fact]
    public async Task Steps_and_scores_are_answered_over_HTTP()
    {
        using var observer = new MetricsObserver(Job(0));
        observer.StepEnded(new StepReport(1, 1, 20, 0, 0, 1, 0.0015, 7, new TrafficCounters(10, 5)));
        observer.StepEnded(new StepReport(2, 1, 40, 12, 20, 1, 30, 8, new TrafficCounters(25, 9)));
        observer.Scored(new ScoreReport(2, 1, ScoredRows.Test, new Quality(9, 0.5, null), [], [Table(0, 3), Table(1, 4)]));

        using var client = new HttpClient();
        using HttpResponseMessage response = await client.GetAsync(AddressOf(observer));
        string text = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Dictionary<string, double> values = Parse(text);
        Assert.Equal(2, values["oe_steps_total"]);
        Assert.Equal(40, values["oe_samples_total"]);
        Assert.Equal(0.6, values["oe_logloss"], 1e-12);
        Assert.Equal(0.5, values["oe_scored_logloss{rows=\"test\"}"]);
        Assert.DoesNotContain(values.Keys, key => key.StartsWith("oe_scored_auc", StringComparison.Ordinal));
        Assert.Equal(25, values["oe_pulled_bytes_total"]);
        Assert.Equal(15, values["oe_pushed_keys_total"]);
        Assert.Equal(7, values["oe_table_rows{table=\"a\\\"b\"}"]);
        Assert.Equal(0, values["oe_step_seconds_bucket{le=\"0.001\"}"]);
        Assert.Equal(1, values["oe_step_seconds_bucket{le=\"10\"}"]);
        Assert.Equal(2, values["oe_step_seconds_bucket{le=\"+Inf\"}"]);
        Assert.Equal(30, values["oe_step_seconds_sum"], 1e-12);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "404")]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", "405")]
    [InlineData("hello\r\n\r\n", "400")]
    [InlineData("GET /metrics", "400")]
    [InlineData("\r\n\r\n", "400")]
    [InlineData("GET /metrics?x HTTP/1.0\r\nA: b\r\n\r\n", "200")]
    public async Task Every_request_gets_its_answer_and_the_next_one_too(string request, string status)
    {
        using var observer = new MetricsObserver(Job(0));
        Assert.Equal($"HTTP/1.1 {status}", (await Ask(AddressOf(observer), Encoding.ASCII.GetBytes(request)))[..12]);
        Assert.Equal("HTTP/1.1 200", (await Ask(AddressOf(observer), "GET /metrics HTTP/1.1\r\n\r\n"u8.ToArray()))[..12]);
    }

    [Fact]
    public async Task A_head_without_end_is_refused()
    {
        using var observer = new MetricsObserver(Job(0));
        Assert.StartsWith("HTTP/1.1 400", await Ask(AddressOf(observer), new byte[8192]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_that_is_taken_is_one_line()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        string message = Assert.Throws<OpenEmbeddingException>(() => new MetricsObserver(Job(port))).Message;
        Assert.StartsWith($"output.metrics_port: cannot listen on 127.0.0.1, port {port}: ", message, StringComparison.Ordinal);
    }

    private static JobOptions Job(int port) => JobOptions.Read(null, [new("data.train", "a"), new("output.metrics_port", $"{port}")]);

    private static Uri AddressOf(MetricsObserver observer) => new(observer.Announcement.Split(' ')[1]);

    private static TableStatistics Table(int server, long rows) => new() { Name = "a\"b", ServerRank = server, Rows = rows };

    private static async Task<string> Ask(Uri address, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(request);
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Reads the text by the grammar of the format: each sample under the HELP and TYPE of its family, each once.</summary>
    private static Dictionary<string, double> Parse(string text)
    {
        var values = new Dictionary<string, double>();
        string family = "", type = "";
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Regex.Match(line, @"^# (HELP|TYPE) (\w+) (.+)$") is { Success: true } head)
            {
                Assert.True(head.Groups[1].Value == "HELP" || head.Groups[2].Value == family, line);
                (family, type) = (head.Groups[2].Value, head.Groups[1].Value == "TYPE" ? head.Groups[3].Value : "");
                continue;
            }

            Match sample = Regex.Match(line, @"^(\w+)((\{\w+=""([^""\\]|\\.)*""\})?) (\S+)$");
            Assert.True(sample.Success, line);
            string suffix = sample.Groups[1].Value[family.Length..];
            Assert.True(type == "histogram" ? suffix is "_bucket" or "_sum" or "_count" : suffix == "", line);
            Assert.Equal(type == "counter", family.EndsWith("_total", StringComparison.Ordinal));
            values.Add(sample.Groups[1].Value + sample.Groups[2].Value, double.Parse(sample.Groups[5].Value, System.Globalization.CultureInfo.InvariantCulture));
        }

        return values;
    }
}
