using System.Net;
using System.Text;
using System.Text.Json;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Models that come and go while the server runs.</summary>
[Trait("Kind", "Job")]
public sealed class ControllerTests(DenseModels models) : IClassFixture<DenseModels>, IAsyncLifetime
{
    private readonly DenseModel _model = models.Get("DeepFM", "hash");
    private readonly List<ShardServer> _shards = [];
    private Server _server = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        _shards.AddRange(Enumerable.Range(0, 2).Select(_ => ShardServer.Start(IPAddress.Loopback, 0, _ => { })));
        _server = await Server.Start(
            new ServeCommandLine().Parse(["--shards", string.Join(',', _shards.Select(shard => shard.Address)), "--rest-port", "0", "--poll-seconds", "3600"])!, _ => { });
        _client = new HttpClient { BaseAddress = new Uri(_server.Address) };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        foreach (ShardServer shard in _shards)
        {
            await shard.DisposeAsync();
        }
    }

    [Fact]
    public async Task Models_are_loaded_listed_and_unloaded_and_nodes_told()
    {
        (HttpStatusCode status, JsonElement answer) = await Load(JsonSerializer.Serialize(new { name = "ads", path = _model.Versions }));
        Assert.True(status == HttpStatusCode.Created, answer.ToString());
        Assert.Equal("AVAILABLE", answer.GetProperty("versions")[0].GetProperty("state").GetString());
        (status, answer) = await Load(JsonSerializer.Serialize(new { name = "second", path = _model.Versions }));
        Assert.True(status == HttpStatusCode.Created, answer.ToString());

        Assert.Equal(["ads", "second"], (await Get("/models")).GetProperty("models").EnumerateArray().Select(model => model.GetProperty("name").GetString()));
        JsonElement[] nodes = [.. (await Get("/nodes")).GetProperty("nodes").EnumerateArray()];
        Assert.Equal(
            [$"{_shards[0].Address} 0 up 2", $"{_shards[1].Address} 1 up 2"],
            nodes.Select(node => $"{node.GetProperty("address")} {node.GetProperty("shard")} {node.GetProperty("state")} {node.GetProperty("holds").GetArrayLength()}"));
        Assert.Equal(HttpStatusCode.OK, await Predict("ads"));

        using HttpResponseMessage unloaded = await _client.DeleteAsync("/models/ads");
        Assert.Equal(HttpStatusCode.OK, unloaded.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await Predict("ads"));
        Assert.Equal(HttpStatusCode.OK, await Predict("second"));
        using HttpResponseMessage missing = await _client.DeleteAsync("/models/ads");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal("{\"error\":\"not found model ads; loaded are: second\"}", await missing.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest, "the body is not {\"name\": …, \"path\": …}, the name of a model and the folder of its versions: ")]
    [InlineData("{\"name\":\"a\"}", HttpStatusCode.BadRequest, "\"name\" and \"path\" are needed, the name of a model and the folder of its versions")]
    [InlineData("{\"name\":\"a\",\"path\":\"/tmp\",\"more\":1}", HttpStatusCode.BadRequest, "the body is not {\"name\": …, \"path\": …}, the name of a model and the folder of its versions: ")]
    [InlineData("{\"name\":\"a:b\",\"path\":\"/tmp\"}", HttpStatusCode.BadRequest, "\"a:b\" is no name of a model: one without slash, colon and space")]
    [InlineData("{\"name\":\"a\",\"path\":\"/none\"}", HttpStatusCode.BadRequest, "model a: there is no folder /none; it has a folder for each version, such as /none/1")]
    [InlineData("{\"name\":\"known\",\"path\":\"/tmp\"}", HttpStatusCode.Conflict, "model known is loaded already; DELETE /models/known unloads it")]
    public async Task Models_that_cannot_be_loaded_are_explained(string body, HttpStatusCode expected, string error)
    {
        await Load(JsonSerializer.Serialize(new { name = "known", path = _model.Versions }));

        (HttpStatusCode status, JsonElement answer) = await Load(body);

        Assert.Equal(expected, status);
        Assert.StartsWith(error, answer.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_body_that_is_no_json_is_told()
    {
        using HttpResponseMessage text = await _client.PostAsync("/models", new StringContent("{}", Encoding.UTF8, "text/plain"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
    }

    private async Task<JsonElement> Get(string path) => JsonDocument.Parse(await _client.GetStringAsync(path)).RootElement;

    private async Task<HttpStatusCode> Predict(string model)
    {
        using HttpResponseMessage response = await _client.PostAsync($"/v1/models/{model}:predict", new StringContent(RequestRows.Body(true, _model.Rows)));
        return response.StatusCode;
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> Load(string body)
    {
        using HttpResponseMessage response = await _client.PostAsync("/models", new StringContent(body, Encoding.UTF8, "application/json"));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }
}
