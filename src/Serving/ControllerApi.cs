using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OpenEmbedding.Serving.Models;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving;

/// <summary>Lists, loads and unloads models, and tells of the processes that hold tables, while requests go on.</summary>
/// <param name="models">The models by name; changed here.</param>
/// <param name="cluster">Who holds tables; <c>null</c> where nobody else does.</param>
/// <param name="create">Makes a model of a folder, in which no version was looked for yet.</param>
internal sealed class ControllerApi(ConcurrentDictionary<string, ServedModel> models, ShardCluster? cluster, Func<ModelFolder, ServedModel> create)
{
    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/models", context => Write(context, new { Models = models.Values.OrderBy(model => model.Name, StringComparer.Ordinal).Select(Describe) }));
        routes.MapGet("/models/{model}", (HttpContext context, string model) => Write(context, Describe(Find(model))));
        routes.MapPost("/models", Load);
        routes.MapDelete("/models/{model}", Unload);
        routes.MapGet("/nodes", context => Write(context, new { Shards = cluster?.Shards ?? 0, Nodes = (cluster?.Nodes ?? []).Select(Describe) }));
    }

    private static object Describe(ServedModel model) => new
    {
        model.Name,
        Path = model.Folder,
        Versions = model.States.Select(state => new
        {
            Version = state.Number.ToString(CultureInfo.InvariantCulture),
            State = state.Refused is null ? "AVAILABLE" : "END",
            Message = state.Refused ?? "",
        }),
    };

    private static Task Write(HttpContext context, object answer) => context.Response.WriteAsJsonAsync(answer, _json);

    private static async Task<ModelFolder> Read(HttpContext context)
    {
        // A page of another site cannot send this type without asking first, which is not answered.
        if (!context.Request.HasJsonContentType())
        {
            throw new RequestException(StatusCodes.Status415UnsupportedMediaType, "the body must be of type application/json");
        }

        try
        {
            ModelFolder? folder = await JsonSerializer.DeserializeAsync<ModelFolder>(context.Request.Body, _json, context.RequestAborted);
            return folder is { Name: not null, Path: not null }
                ? folder
                : throw RequestException.Malformed("\"name\" and \"path\" are needed, the name of a model and the folder of its versions");
        }
        catch (JsonException e)
        {
            throw RequestException.Malformed(
                $"the body is not {{\"name\": …, \"path\": …}}, the name of a model and the folder of its versions: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private object Describe(ShardNode node, int place) => new
    {
        Address = node.Name,
        Shard = cluster!.ShardOf(place),
        State = node.Problem is null ? "up" : "down",
        Message = node.Problem ?? "",
        Holds = node.Holds.Select(held => held.Name),
    };

    private async Task Load(HttpContext context)
    {
        ModelFolder folder = await Read(context);
        if (folder.Problem is { } problem)
        {
            throw RequestException.Malformed(problem);
        }

        ServedModel model = create(folder);
        if (!models.TryAdd(folder.Name, model))
        {
            throw new RequestException(StatusCodes.Status409Conflict, $"model {folder.Name} is loaded already; DELETE /models/{folder.Name} unloads it");
        }

        model.Look();
        context.Response.StatusCode = StatusCodes.Status201Created;
        await Write(context, Describe(model));
    }

    private Task Unload(HttpContext context, string model)
    {
        if (!models.TryRemove(model, out ServedModel? served))
        {
            throw NotFound(model);
        }

        served.Close();
        return Write(context, new { Unloaded = model });
    }

    private ServedModel Find(string model) => models.TryGetValue(model, out ServedModel? served) ? served : throw NotFound(model);

    private RequestException NotFound(string model) =>
        new(StatusCodes.Status404NotFound, $"not found model {model}; loaded are: {string.Join(", ", models.Keys.Order(StringComparer.Ordinal))}");
}
