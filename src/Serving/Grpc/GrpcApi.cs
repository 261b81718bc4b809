using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>The gRPC API of TensorFlow Serving, with gRPC's own health and reflection services.</summary>
internal static class GrpcApi
{
    public static void Add(IServiceCollection services, ServeOptions options, IReadOnlyDictionary<string, ServedModel> models)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = (int)options.LargestBodyBytes;
            grpc.Interceptors.Add<ErrorInterceptor>();
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck("models", () => models.Values.All(model => model.IsReady) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGrpcService<PredictionApi>();
        routes.MapGrpcService<ModelApi>();
        routes.MapGrpcHealthChecksService();
        routes.MapGrpcReflectionService();
    }
}
