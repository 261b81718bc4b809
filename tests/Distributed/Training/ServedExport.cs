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
    public async Task<float[]> AskByRest(string[] rows, bool byRow)
    {
        using HttpResponseMessage response = await _rest.PostAsync("/v1/models/criteo:predict", new StringContent(RequestRows.Body(byRow, Fields(rows))));
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, answer);
        return [.. JsonDocument.Parse(answer).RootElement.GetProperty(byRow ? "predictions" : "outputs").EnumerateArray().Select(row => row[0].GetSingle())];
    }

    /// <summary>The probabilities by gRPC.</summary>
    public async Task<float[]> AskByGrpc(string[] rows)
    {
        PredictResponse answer = await new PredictionService.PredictionServiceClient(_grpc).PredictAsync(RequestRows.Message(Fields(rows), asContent: false));
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
