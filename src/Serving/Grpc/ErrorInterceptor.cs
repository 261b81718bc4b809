using System.Globalization;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>Answers errors with the text that REST has for them, and gRPC's code.</summary>
internal sealed class ErrorInterceptor(ILogger<ErrorInterceptor> log) : Interceptor
{
    private const string StatusTrailer = "grpc-status";
    private const string MessageTrailer = "grpc-message";

    private static readonly (int Status, StatusCode Code) _internal = (StatusCodes.Status500InternalServerError, StatusCode.Internal);

    private static readonly (int Status, StatusCode Code)[] _codes =
    [
        (StatusCodes.Status400BadRequest, StatusCode.InvalidArgument),
        (StatusCodes.Status401Unauthorized, StatusCode.Unauthenticated),
        (StatusCodes.Status404NotFound, StatusCode.NotFound),
        (StatusCodes.Status413PayloadTooLarge, StatusCode.ResourceExhausted),
        (StatusCodes.Status501NotImplemented, StatusCode.Unimplemented),
        (StatusCodes.Status503ServiceUnavailable, StatusCode.Unavailable),
        (StatusCodes.Status504GatewayTimeout, StatusCode.DeadlineExceeded),
    ];

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (RequestException e)
        {
            throw new RpcException(new Status(_codes.FirstOrDefault(pair => pair.Status == e.Status, _internal).Code, e.Message));
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            log.LogError(e, "{Method} failed", context.Method);
            throw new RpcException(new Status(StatusCode.Internal, "the server failed; its log says why"));
        }
    }

    /// <summary>
    /// Says of a call that no method saw, since what came is no frame with a message, that the client is to blame: gRPC's own handler answers UNKNOWN, which says that the server
    /// failed.
    /// </summary>
    public static void BlameClient(HttpContext answered)
    {
        // No message was written, so that the status goes in the headers.
        IHeaderDictionary headers = answered.Response.Headers;
        if (!answered.Response.HasStarted && headers[StatusTrailer] == $"{(int)StatusCode.Unknown}")
        {
            headers[StatusTrailer] = $"{(int)StatusCode.InvalidArgument}";
            headers[MessageTrailer] = "the body is not a message of gRPC: one byte that is 0, the length in four bytes, and as many bytes";
        }
    }

    /// <summary>
    /// The status of REST for the error that a call of gRPC was answered with, also one that no method saw, as of a message that cannot be read; null for a call that did well, was
    /// given up by the client, or is none of gRPC.
    /// </summary>
    public static int? StatusOf(HttpContext answered)
    {
        string? text = answered.Response.Headers[StatusTrailer];
        text ??= answered.Features.Get<IHttpResponseTrailersFeature>()?.Trailers[StatusTrailer];
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code) || (StatusCode)code is StatusCode.OK or StatusCode.Cancelled)
        {
            return null;
        }

        return _codes.FirstOrDefault(pair => pair.Code == (StatusCode)code, _internal).Status;
    }
}
