namespace OpenEmbedding.Collectives;

/// <summary>A message that is being sent.</summary>
internal sealed class Outgoing(MessageBuffer message) : IDisposable
{
    internal MessageBuffer Message { get; } = message;

    /// <summary>The 8 bytes that announce a long message.</summary>
    internal MessageBuffer? Announcement { get; set; }

    internal RequestSet Requests { get; } = new();

    public void Dispose()
    {
        Message.Dispose();
        Announcement?.Dispose();
    }
}
