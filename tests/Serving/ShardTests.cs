using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Models whose tables are held by shards, over real connections.</summary>
[Trait("Kind", "Job")]
public sealed class ShardTests(DenseModels models) : IClassFixture<DenseModels>, IAsyncLifetime
{
    private const string Predict = "/v1/models/criteo:predict";
    private readonly ConcurrentQueue<string> _said = new();
    private readonly List<ShardServer> _shards = [];
    private Server? _server;
    private HttpClient? _client;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _client?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        foreach (ShardServer shard in _shards)
        {
            await shard.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("DeepFM", "array", 3, 1)]
    [InlineData("DeepFM", "hash", 4, 2)]
    public Task Predicts_as_the_trainer(string model, string kind, int processes, int replicas) => AssertPredicts(model, kind, processes, replicas);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("LR", "array", 2, 1)]
    [InlineData("LR", "hash", 2, 2)]
    [InlineData("WDL", "array", 1, 1)]
    [InlineData("WDL", "hash", 3, 1)]
    [InlineData("xDeepFM", "array", 4, 2)]
    [InlineData("xDeepFM", "hash", 2, 1)]
    public Task Other_models_predict_as_the_trainer(string model, string kind, int processes, int replicas) => AssertPredicts(model, kind, processes, replicas);

    [Fact]
    public async Task A_shard_without_process_is_named_until_one_comes_back()
    {
        DenseModel model = models.Get("DeepFM", "hash");
        await Start(model, processes: 4, replicas: 2);
        IPEndPoint first = _shards[1].Address;
        await _shards[1].DisposeAsync();
        await AssertAnswers(model);
        await _shards[3].DisposeAsync();

        (HttpStatusCode status, JsonElement answer) = await Post(RequestRows.Body(true, model.Rows));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.StartsWith("shard 1 of 2 of model criteo, version 1 does not answer: ", answer.GetProperty("error").GetString());
        Assert.Contains(first.ToString(), answer.GetProperty("error").GetString());

        _shards[1] = ShardServer.Start(IPAddress.Loopback, first.Port, _said.Enqueue);
        await _server!.Tend();

        await AssertAnswers(model);
        Assert.Contains(_said, line => line.StartsWith($"{first} loads shard 1 of 2 of model criteo, version 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_of_another_model_are_refused()
    {
        DenseModel model = models.Get("DeepFM", "array");
        await Start(model, processes: 1, replicas: 1);
        using var node = new ShardNode("127.0.0.1", _shards[0].Address.Port);
        byte[] lookup = Lookup.Write(new string('a', 64), 0, 1, [(0, [1])]);
        var assignment = new ShardAssignment("criteo", 1, new string('a', 64), Path.Combine(model.Versions, "1"), 0, 1);

        Assert.EndsWith("not found model aaaaaaaaaaaa, shard 0 of 1", await Refusal(node, ShardRequest.Lookup, lookup));
        Assert.EndsWith(": not found model: " + assignment.Folder + " is another model than version 1 of criteo", await Refusal(node, ShardRequest.Load, assignment.ToBytes()));
    }

    [Fact]
    public async Task Malformed_requests_are_refused_and_harm_no_others()
    {
        DenseModel model = models.Get("DeepFM", "array");
        await Start(model, processes: 1, replicas: 1);
        using var node = new ShardNode("127.0.0.1", _shards[0].Address.Port);
        Assert.True(await node.Refresh(TimeSpan.FromSeconds(60), CancellationToken.None));
        string identity = Assert.Single(node.Holds).Identity;

        Assert.EndsWith("the lookup is malformed: its length is not that of its sections and keys", await Refusal(node, ShardRequest.Lookup, new byte[10]));
        Assert.EndsWith("section 26 is asked for; there are 26", await Refusal(node, ShardRequest.Lookup, Lookup.Write(identity, 0, 1, [(26, [1])])));
        Assert.Contains("key -1 of table linear/C1 is not in this shard", await Refusal(node, ShardRequest.Lookup, Lookup.Write(identity, 0, 1, [(0, [-1])])));
        Assert.EndsWith("request 9 is unknown; 1 to 4 are allowed", await Refusal(node, (ShardRequest)9, default));
        Assert.NotEmpty(await Refusal(node, ShardRequest.Load, "[]"u8.ToArray()));
        var random = new Random(3);
        byte[] whole = Lookup.Write(identity, 0, 1, [(0, [1, 2]), (3, [7])]);
        for (int i = 0; i < 1000; i++)
        {
            byte[] body = whole[..random.Next(1, whole.Length + 1)];
            body[random.Next(body.Length)] = (byte)random.Next(256);
            await Refusal(node, ShardRequest.Lookup, body);
        }

        await AssertAnswers(model);
    }

    [Fact]
    public async Task A_dense_part_without_shards_or_without_its_tables_is_refused()
    {
        DenseModel model = models.Get("DeepFM", "array");
        await Start(model, processes: 0, replicas: 1);
        Assert.Contains(_said, line => line.EndsWith("is a dense part, whose tables shards hold; --shards names them", StringComparison.Ordinal));

        string moved = Path.Combine(model.Path, "tables.moved");
        Directory.Move(Path.Combine(model.Path, "tables"), moved);
        try
        {
            _client!.Dispose();
            await _server!.DisposeAsync();
            await Start(model, processes: 2, replicas: 1);
            Assert.Contains(_said, line => line.Contains("no process has loaded shard 0 of 2 of model criteo, version 1: ") && line.Contains("cannot be read"));
        }
        finally
        {
            Directory.Move(moved, Path.Combine(model.Path, "tables"));
        }
    }

    [Fact]
    public Task A_process_that_is_killed_fails_no_request() => AssertNoRequestFails(processes: 2, replicas: 2, kills: 2);

    [Fact]
    [Trait("Kind", "Long")]
    public Task Fifty_kills_and_swaps_of_versions_fail_no_request() => AssertNoRequestFails(processes: 4, replicas: 2, kills: 50);

    [Fact]
    public async Task What_no_version_wants_is_let_go()
    {
        DenseModel model = models.Get("DeepFM", "hash");
        await Start(model, processes: 1, replicas: 1);
        using var node = new ShardNode("127.0.0.1", _shards[0].Address.Port);
        Directory.Move(CopyOf(Path.Combine(model.Versions, "1"), Path.Combine(model.Path, "criteo.2")), Path.Combine(model.Versions, "2"));
        try
        {
            _server!.Look();
            await AssertAnswers(model);
        }
        finally
        {
            Directory.Delete(Path.Combine(model.Versions, "2"), recursive: true);
        }

        await _server.Tend();
        Assert.True(await node.Refresh(TimeSpan.FromSeconds(60), CancellationToken.None));
        Assert.Equal(2, Assert.Single(node.Holds).Version);

        // The one that starts next knows nothing of it.
        _client!.Dispose();
        await _server.DisposeAsync();
        await Start(model.Versions, [$"127.0.0.1:{_shards[0].Address.Port}"], replicas: 1);
        await _server.Tend();
        Assert.True(await node.Refresh(TimeSpan.FromSeconds(60), CancellationToken.None));
        Assert.Equal(1, Assert.Single(node.Holds).Version);
    }

    private async Task AssertNoRequestFails(int processes, int replicas, int kills)
    {
        DenseModel model = models.Get("DeepFM", "hash");
        string versions = Path.Combine(model.Path, $"versions-{kills}");
        CopyOf(Path.Combine(model.Versions, "1"), Path.Combine(versions, "1"));
        ShardProcess[] all = await Task.WhenAll(Enumerable.Range(0, processes).Select(_ => ShardProcess.Start(0)));
        try
        {
            await Start(versions, [.. all.Select(process => process.Address)], replicas);
            using var stop = new CancellationTokenSource();
            int answered = 0;
            Task[] asking = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await AssertAnswers(model);
                    Interlocked.Increment(ref answered);
                }
            }))];
            for (int kill = 0; kill < kills; kill++)
            {
                int victim = kill * 7 % processes;
                await MoreAnswers();
                all[victim].Kill();
                await MoreAnswers();
                all[victim] = await ShardProcess.Start(all[victim].Port);
                if (kill % 10 == 1)
                {
                    string version = Path.Combine(versions, $"{2 + (kill / 10)}");
                    Directory.Move(CopyOf(Path.Combine(model.Versions, "1"), version + ".tmp"), version);
                    await Task.Run(_server!.Look);
                }

                await _server!.Tend();
            }

            await stop.CancelAsync();
            await Task.WhenAll(asking);
            Assert.Equal(1 + ((kills + 8) / 10), _said.Count(line => line.Contains(" is served")));

            async Task MoreAnswers()
            {
                int before = Volatile.Read(ref answered);
                while (Volatile.Read(ref answered) < before + 3)
                {
                    Assert.All(asking, task => Assert.False(task.IsCompleted, $"a request failed: {task.Exception?.InnerException?.Message}"));
                    await Task.Yield();
                }
            }
        }
        finally
        {
            Array.ForEach(all, process => process.Kill());
        }
    }

    private static string CopyOf(string version, string copy)
    {
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(version))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    private async Task AssertPredicts(string model, string kind, int processes, int replicas)
    {
        DenseModel trained = models.Get(model, kind);
        await Start(trained, processes, replicas);
        await AssertAnswers(trained);
    }

    private async Task AssertAnswers(DenseModel model)
    {
        (HttpStatusCode status, JsonElement answer) = await Post(RequestRows.Body(true, model.Rows));

        Assert.True(status == HttpStatusCode.OK, $"{status}: {answer}");
        double[] outputs = [.. answer.GetProperty("predictions").EnumerateArray().Select(row => row[0].GetDouble())];
        Assert.Equal(model.Probabilities.Length, outputs.Length);
        Assert.All(outputs.Zip(model.Probabilities), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
    }

    private Task Start(DenseModel model, int processes, int replicas)
    {
        for (int i = 0; i < processes; i++)
        {
            _shards.Add(ShardServer.Start(IPAddress.Loopback, 0, _said.Enqueue));
        }

        return Start(model.Versions, [.. _shards.Select(shard => shard.Address.ToString())], replicas);
    }

    private async Task Start(string versions, string[] processes, int replicas)
    {
        string[] shards = processes.Length == 0 ? [] : ["--shards", string.Join(',', processes), "--replicas", $"{replicas}"];

        // Versions and shards are looked after by the tests themselves.
        ServeOptions options = new ServeCommandLine().Parse(["--model", $"criteo={versions}", "--rest-port", "0", "--poll-seconds", "3600", .. shards])!;
        _server = await Server.Start(options, _said.Enqueue);
        _client = new HttpClient { BaseAddress = new Uri(_server.Address), Timeout = TimeSpan.FromSeconds(60) };
    }

    private static async Task<string> Refusal(ShardNode node, ShardRequest request, byte[]? body)
    {
        try
        {
            await node.Ask(request, body, TimeSpan.FromSeconds(60), CancellationToken.None);
            return "";
        }
        catch (ShardException e)
        {
            return e.Message;
        }
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> Post(string body)
    {
        using HttpResponseMessage response = await _client!.PostAsync(Predict, new StringContent(body, Encoding.UTF8, "application/json"));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }
}
