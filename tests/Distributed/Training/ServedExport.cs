using System.Net;
using System.Text.Json;
using Grpc.Net.Client;
using OpenEmbedding.Serving;
using OpenEmbedding.Serving.Grpc.Messages;
using OpenEmbedding.Serving.Tests;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>An exported model in an <c>oe-serve</c> of this process, asked by both its APIs for rows of Criteo's form.</summary>
internal sealed class ServedExport : IAsyncDisposable
{
    private readonly Server _server;
    private readonly HttpClient _rest;
    private readonly GrpcChannel _grpc;

    private ServedExport(Server server)
    {
        _server = server;
        _rest = new HttpClient { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromSeconds(60) };
        _grpc = GrpcChannel.ForAddress(server.GrpcAddress!);
    }

    /// <summary>Serves a folder of versions as the model <c>criteo</c>.</summary>
    public static async Task<ServedExport> Start(string folder) => new(await Server.Start(
        new ServeCommandLine().Parse(["--model", $"criteo={folder}", "--rest-port", "0", "--grpc-port", "0", "--poll-seconds", "3600"])!, _ => { }));

    /// <summary>The probabilities by REST, asked for by rows or by columns.</summary>
    public Task<float[]> AskByRest(string[] rows, bool byRow) => AskByRest(RequestRows.Body(byRow, Fields(rows)), byRow);

    /// <summary>The probabilities by REST, of a body with rows or with columns.</summary>
    public async Task<float[]> AskByRest(string body, bool byRow)
    {
        using HttpResponseMessage response = await _rest.PostAsync("/v1/models/criteo:predict", new StringContent(body));
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, answer);
        return [.. JsonDocument.Parse(answer).RootElement.GetProperty(byRow ? "predictions" : "outputs").EnumerateArray().Select(row => row[0].GetSingle())];
    }

    /// <summary>The probabilities by gRPC.</summary>
    public Task<float[]> AskByGrpc(string[] rows) => AskByGrpc(RequestRows.Message(Fields(rows), asContent: false));

    /// <summary>The error that REST answers a body with.</summary>
    public async Task<string> Refusal(string body)
    {
        using HttpResponseMessage response = await _rest.PostAsync("/v1/models/criteo:predict", new StringContent(body));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetString()!;
    }

    /// <summary>The probabilities by gRPC.</summary>
    public async Task<float[]> AskByGrpc(PredictRequest request)
    {
        PredictResponse answer = await new PredictionService.PredictionServiceClient(_grpc).PredictAsync(request);
        return [.. answer.Outputs["probability"].FloatVal];
    }

    public async ValueTask DisposeAsync()
    {
        _grpc.Dispose();
        _rest.Dispose();
        await _server.DisposeAsync();
    }

    private static string[][] Fields(string[] rows) => [.. rows.Select(row => row.Split('\t'))];
}
