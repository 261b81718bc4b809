using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Requests that are computed together.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class BatchTests(TrainedModel model) : IDisposable
{
    // As good as for ever: batches are computed when they are full.
    private const string Forever = "10000000";
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Requests_are_computed_together_and_answered_apart()
    {
        await using Server server = await Start("--max-batch", "36", "--batch-timeout-us", Forever);
        using HttpClient client = Client(server);

        (HttpStatusCode Status, JsonElement Answer)[] answers = await Task.WhenAll(Enumerable.Range(1, 8).Select(count => Post(client, model.Body(true, 10 * count, count))));

        for (int count = 1; count <= 8; count++)
        {
            (HttpStatusCode status, JsonElement answer) = answers[count - 1];
            Assert.Equal(HttpStatusCode.OK, status);
            double[] outputs = [.. answer.GetProperty("predictions").EnumerateArray().Select(row => row[0].GetDouble())];
            Assert.Equal(count, outputs.Length);
            Assert.All(outputs.Zip(model.Probabilities.Skip(10 * count)), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
        }

        string metrics = await client.GetStringAsync("/metrics");
        Assert.Contains("oe_batch_rows_sum 36\noe_batch_rows_count 1\n", metrics);
    }

    [Fact]
    public async Task Company_changes_answers_by_rounding_alone()
    {
        await using Server alone = await Start("--max-batch", "64");
        await using Server together = await Start("--max-batch", "64", "--batch-timeout-us", Forever);
        using HttpClient clientAlone = Client(alone), clientTogether = Client(together);

        double[] expected = [.. await OneByOne(clientAlone)], found = [.. await OneByOne(clientTogether)];

        Assert.Contains("oe_batch_rows_sum 64\noe_batch_rows_count 1\n", await clientTogether.GetStringAsync("/metrics"));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-6));

        async Task<IEnumerable<double>> OneByOne(HttpClient client) =>
            (await Task.WhenAll(Enumerable.Range(0, 64).Select(row => Post(client, model.Body(false, row, 1))))).Select(answer => answer.Answer.GetProperty("outputs")[0][0].GetDouble());
    }

    [Fact]
    public async Task An_error_is_that_of_the_request_that_made_it()
    {
        await using Server server = await Start("--max-batch", "2", "--batch-timeout-us", Forever);
        using HttpClient client = Client(server);

        (HttpStatusCode Status, JsonElement Answer)[] answers = await Task.WhenAll(
            Post(client, model.Body(true, 0, 1)), Post(client, "{\"instances\":[{\"I1\":\"a\"}]}"), Post(client, model.Body(true, 1, 1)));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.OK], answers.Select(answer => answer.Status));
        Assert.Equal("feature \"I1\", row 0: \"a\" is not one number of type float", answers[1].Answer.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Those_that_wait_too_long_or_are_too_many_are_refused(string concurrency)
    {
        await using Server server = await Start("--max-batch", "3", "--batch-timeout-us", Forever, "--concurrency", concurrency, "--max-waiting", "1", "--timeout-seconds", "1");
        using HttpClient client = Client(server);

        (HttpStatusCode Status, JsonElement Answer)[] answers = await Task.WhenAll(Post(client, model.Body(true, 0, 1)), Post(client, model.Body(true, 1, 1)));

        (HttpStatusCode, string?)[] errors = [.. answers.OrderBy(answer => answer.Status).Select(answer => (answer.Status, answer.Answer.GetProperty("error").GetString()))];
        Assert.Equal(
            [(HttpStatusCode.ServiceUnavailable, "too many requests are waiting already; try again later"), (HttpStatusCode.GatewayTimeout, "the request has waited for its turn for 1 seconds")],
            errors);
    }

    [Fact]
    public async Task Many_clients_get_their_own_answers_while_versions_are_swapped()
    {
        await using Server server = await Start("--max-batch", "16", "--concurrency", "1");
        using HttpClient client = Client(server);
        Task asking = Task.WhenAll(Enumerable.Range(0, 8).Select(async first =>
        {
            for (int i = 0; i < 30; i++)
            {
                (HttpStatusCode status, JsonElement answer) = await Post(client, model.Body(true, first * 30 + i, 1));
                Assert.True(status == HttpStatusCode.OK, string.Create(CultureInfo.InvariantCulture, $"{status}: {answer}"));
                Assert.Equal(model.Probabilities[first * 30 + i], answer.GetProperty("predictions")[0][0].GetDouble(), 1e-6);
            }
        }));
        for (int version = 2; version <= 5; version++)
        {
            model.CopyTo(Path.Combine(_folder, $"{version}"));
            server.Look();
        }

        await asking;
    }

    private async Task<Server> Start(params string[] options)
    {
        if (!Directory.Exists(Path.Combine(_folder, "1")))
        {
            model.CopyTo(Path.Combine(_folder, "1"));
        }

        return await Server.Start(new ServeCommandLine().Parse(["--model", $"criteo={_folder}", "--rest-port", "0", "--poll-seconds", "3600", .. options])!, _ => { });
    }

    private static HttpClient Client(Server server) => new() { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromSeconds(60) };

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> Post(HttpClient client, string body)
    {
        using HttpResponseMessage response = await client.PostAsync("/v1/models/criteo:predict", new StringContent(body, Encoding.UTF8, "application/json"));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }
}
