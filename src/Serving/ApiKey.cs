using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace OpenEmbedding.Serving;

/// <summary>Lets only clients in that send the key, as <c>Authorization: Bearer KEY</c>. Health, and the page without its data, are for all.</summary>
internal sealed class ApiKey(string key)
{
    private static readonly PathString[] _open = ["/", "/healthz", "/readyz", "/grpc.health.v1.Health/Check"];
    private readonly byte[] _expected = Hash($"Bearer {key}");

    public async Task Check(HttpContext context, RequestDelegate next)
    {
        if (_open.Contains(context.Request.Path) || CryptographicOperations.FixedTimeEquals(Hash(context.Request.Headers.Authorization.ToString()), _expected))
        {
            await next(context);
            return;
        }

        const string message = "the key is missing or wrong; it is sent as \"Authorization: Bearer KEY\"";
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
        {
            throw new RequestException(StatusCodes.Status401Unauthorized, message);
        }

        // How gRPC answers an error without a message: its status in the headers.
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = "16";
        context.Response.Headers["grpc-message"] = message;
    }

    // Of the same length whatever comes, so that the time of the comparison tells nothing.
    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
