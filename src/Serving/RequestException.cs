namespace OpenEmbedding.Serving;

/// <summary>A request that is answered with an error, by REST or by gRPC.</summary>
/// <param name="status">The HTTP status code.</param>
/// <param name="message">One line for the client: what was wrong, and what is allowed.</param>
internal sealed class RequestException(int status, string message) : Exception(message)
{
    public int Status => status;

    /// <summary>400: the request itself is wrong.</summary>
    public static RequestException Malformed(string message) => new(400, message);

    /// <summary>404: what it asks for is not there.</summary>
    public static RequestException NotFound(string message) => new(404, message);

    /// <summary>503: too many others wait.</summary>
    public static RequestException Busy() => new(503, "too many requests are waiting already; try again later");

    /// <summary>504: its turn has not come in time.</summary>
    public static RequestException Late(TimeSpan limit) => new(504, $"the request has waited for its turn for {limit.TotalSeconds} seconds");
}
