using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Page;

/// <summary>The page at <c>/</c> and the numbers that it shows, <c>/overview</c>.</summary>
internal static class OverviewPage
{
    private static readonly byte[] _page = ReadPage();

    public static void Map(IEndpointRouteBuilder routes, IReadOnlyDictionary<string, ServedModel> models, ServingMetrics metrics)
    {
        routes.MapGet("/", context =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            context.Response.Headers.ContentSecurityPolicy =
                "default-src 'none'; connect-src 'self'; img-src data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
            return context.Response.Body.WriteAsync(_page).AsTask();
        });
        routes.MapGet("/overview", context => context.Response.WriteAsJsonAsync(new { models = models.Values.Select(model => Describe(model, metrics)) }));
    }

    private static object Describe(ServedModel model, ServingMetrics metrics)
    {
        RecentTimes times = metrics.RecentTimesOf(model.Name);
        double[] quantiles = times.Quantiles(0.5, 0.99);
        ModelVersion? held = model.Hold(null);
        try
        {
            return new
            {
                name = model.Name,
                version = held?.Number.ToString(System.Globalization.CultureInfo.InvariantCulture),
                versions = model.States.Select(state => new { version = state.Number, refused = state.Refused }).ToArray(),
                inputs = (held?.Signature.Inputs ?? []).Select(port => new { name = port.Name, type = port.TypeName, width = port.Width }).ToArray(),
                requests = times.Count,
                p50_ms = quantiles.Length == 0 ? (double?)null : quantiles[0] * 1000,
                p99_ms = quantiles.Length == 0 ? (double?)null : quantiles[1] * 1000,
            };
        }
        finally
        {
            held?.Release();
        }
    }

    private static byte[] ReadPage()
    {
        using Stream stream = typeof(OverviewPage).Assembly.GetManifestResourceStream("page.html")!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
