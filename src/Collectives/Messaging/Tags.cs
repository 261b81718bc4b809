namespace OpenEmbedding.Collectives;

/// <summary>
/// The tags of messages.
/// <code>
///   bits 0–3  channel
///   bit  4    internal: a channel of this library's own
///   bit  5    an announcement: 8 bytes, the length of a message that follows in pieces
/// </code>
/// </summary>
internal static class Tags
{
    internal const int Internal = 16;
    internal const int Announcement = 32;

    /// <summary>The channel of a tag; internal ones are 16 and above.</summary>
    internal static int ChannelOf(int tag) => tag & 31;
}
