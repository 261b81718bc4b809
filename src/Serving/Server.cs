using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenEmbedding.Collectives;
using OpenEmbedding.Serving.Grpc;
using OpenEmbedding.Serving.Models;
using OpenEmbedding.Serving.Page;
using OpenEmbedding.Serving.Rest;
using OpenEmbedding.Serving.Shards;
using Prometheus;
using HttpProtocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols;
using ListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace OpenEmbedding.Serving;

/// <summary>The web server with the models that it serves.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly ServeOptions _options;
    private readonly ShardCluster? _cluster;
    private readonly ConcurrentDictionary<string, ServedModel> _models;
    private readonly ServingMetrics _metrics;
    private readonly WebApplication _application;

    private Server(ServeOptions options, Action<string> say)
    {
        _options = options;
        _cluster = options.Shards.Count == 0
            ? null
            : new ShardCluster([.. options.Shards.Select(shard => new ShardNode(shard.Host, shard.Port))], options.Replicas, say);
        _models = new ConcurrentDictionary<string, ServedModel>(options.Models.Select(Create).ToDictionary(model => model.Name));
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        _metrics = new ServingMetrics(registry);

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // That it cannot listen is told in one line.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical);
        // It tells of every client that goes away in the middle; failures of the server are told by the interceptor.
        builder.Logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.None);
        bool isEncrypted = builder.Configuration.GetSection("Kestrel:Certificates:Default").Exists();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(options.Address, options.RestPort, Encrypt);
            if (options.GrpcPort is { } grpcPort)
            {
                kestrel.Listen(options.Address, grpcPort, listen =>
                {
                    listen.Protocols = HttpProtocols.Http2;
                    Encrypt(listen);
                });
            }

            kestrel.Limits.MaxRequestBodySize = options.LargestBodyBytes;
            kestrel.AddServerHeader = false;
        });
        builder.Services.AddHostedService(_ => new VersionWatch(_models, options.Poll, say));
        if (_cluster is { } cluster)
        {
            builder.Services.AddHostedService(_ => new ShardWatch(cluster, options.Poll));
        }

        builder.Services.AddSingleton(new Predictor(_models, _metrics, new BatchQueue(options, _metrics)));
        builder.Services.AddSingleton(_metrics);
        builder.Services.AddSingleton(options);
        GrpcApi.Add(builder.Services, options, _models);

        _application = builder.Build();
        _application.Use(AnswerErrors);
        if (options.ApiKey is { } apiKey)
        {
            _application.Use(new ApiKey(apiKey).Check);
        }

        _application.UseRouting();
        _application.MapMetrics("/metrics", registry);
        _application.MapGet("/healthz", () => "ok");
        _application.MapGet("/readyz", AnswerReadiness);
        new RestApi(_application.Services.GetRequiredService<Predictor>(), options.LargestBatch).Map(_application);
        GrpcApi.Map(_application);
        OverviewPage.Map(_application, _models, _metrics);
        new ControllerApi(_models, _cluster, Create).Map(_application);
        _application.MapFallback(context => throw RequestException.Malformed($"Malformed request: {context.Request.Method} {context.Request.Path}"));

        ServedModel Create(ModelFolder model) => new(model.Name, model.Path, _cluster, say);

        void Encrypt(ListenOptions listen)
        {
            if (isEncrypted)
            {
                UseCertificate(listen);
            }
        }
    }

    /// <summary>Where it listens, such as <c>http://127.0.0.1:8501</c>.</summary>
    public string Address => Addresses.First();

    /// <summary>Where it listens for gRPC, or <c>null</c>.</summary>
    public string? GrpcAddress => _options.GrpcPort is null ? null : Addresses.Last();

    private ICollection<string> Addresses => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    /// <summary>Loads the models and listens.</summary>
    /// <param name="options">Models, address and limits.</param>
    /// <param name="say">Takes lines for the operator.</param>
    /// <exception cref="OpenEmbeddingException">It cannot listen where it should.</exception>
    public static async Task<Server> Start(ServeOptions options, Action<string> say)
    {
        var server = new Server(options, say);
        try
        {
            foreach (ServedModel model in server._models.Values)
            {
                model.Look();
                if (!model.IsReady)
                {
                    say($"model {model.Name}: no version is served yet");
                }
            }

            await server._application.StartAsync();
            return server;
        }
        catch (IOException e)
        {
            await server.DisposeAsync();
            throw new OpenEmbeddingException(
                $"cannot listen on {options.Address}:{options.RestPort}{(options.GrpcPort is { } port ? $" and {port}" : "")}: {e.Message}; "
                + "--rest-port, --grpc-port and --address choose another", innerException: e);
        }
    }

    /// <summary>Waits for Ctrl-C or SIGTERM, and for the requests under way.</summary>
    public Task WaitForEnd() => _application.WaitForShutdownAsync();

    /// <summary>Looks for new versions at once.</summary>
    public void Look()
    {
        foreach (ServedModel model in _models.Values)
        {
            model.Look();
        }
    }

    /// <summary>Looks after the shard processes at once.</summary>
    public Task Tend() => _cluster?.Tend(CancellationToken.None) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        foreach (ServedModel model in _models.Values)
        {
            model.Close();
        }

        _cluster?.Dispose();
    }

    private static void UseCertificate(ListenOptions listen)
    {
        try
        {
            listen.UseHttps();
        }
        catch (Exception e) when (e is CryptographicException or IOException or InvalidOperationException)
        {
            throw new OpenEmbeddingException($"the certificate of the configuration, Kestrel:Certificates:Default, cannot be used: {e.Message}", innerException: e);
        }
    }

    private Task AnswerReadiness(HttpContext context)
    {
        string[] missing = [.. _models.Values.Where(model => !model.IsReady).Select(model => model.Name)];
        return missing.Length == 0
            ? context.Response.WriteAsync("ready")
            : RestApi.WriteError(context, StatusCodes.Status503ServiceUnavailable, $"no version yet of: {string.Join(", ", missing)}");
    }

    private async Task AnswerErrors(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            ErrorInterceptor.BlameClient(context);
            if (ErrorInterceptor.StatusOf(context) is { } status)
            {
                _metrics.CountError(status);
            }
        }
        catch (RequestException e)
        {
            await Fail(context, e.Status, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            await Fail(context, e.StatusCode, e.Message);
        }
    }

    private Task Fail(HttpContext context, int status, string message)
    {
        _metrics.CountError(status);
        return RestApi.WriteError(context, status, message);
    }
}
