using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Makes messages with a header and takes them apart, with every check that can be made without knowing the tables.</summary>
internal static unsafe class Envelope
{
    /// <summary>Lengths in a message are multiples of this, so that every array is aligned.</summary>
    public const int Alignment = 8;

    /// <summary>A length rounded up to <see cref="Alignment"/>.</summary>
    public static long Align(long bytes) => (bytes + Alignment - 1) & -Alignment;

    /// <summary>Takes a message from the pool and writes its header; the caller fills the body and then calls <see cref="Seal"/>.</summary>
    /// <param name="header">Kind, step, ticket, trainer, sections, tables, directory bytes, body bytes and code; the rest is filled in.</param>
    public static MessageBuffer Rent(in MessageHeader header)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Messages are arrays in little-endian order, which this processor does not use.");
        }

        var message = MessageBuffer.Rent(MessageHeader.Bytes + header.BodyBytes);
        ref var written = ref HeaderOf(message);
        written = header;
        written.Magic = Protocol.Magic;
        written.Version = Protocol.Version;
        written.Reserved = 0;
        return message;
    }

    /// <summary>Gives a message a shorter body than it was rented with.</summary>
    public static void Shorten(MessageBuffer message, long bodyBytes)
    {
        HeaderOf(message).BodyBytes = bodyBytes;
        message.Resize(MessageHeader.Bytes + bodyBytes);
    }

    /// <summary>Writes the checksum: the message can be sent.</summary>
    public static void Seal(MessageBuffer message)
    {
        ref var header = ref HeaderOf(message);
        header.Checksum = ChecksumOf(message, header.DirectoryBytes);
    }

    /// <summary>The first byte behind the header.</summary>
    public static byte* Body(MessageBuffer message) => (byte*)message.Pointer + MessageHeader.Bytes;

    /// <summary>The part of the body that says what the rest is; of a control message all of it.</summary>
    public static Span<byte> Directory(MessageBuffer message) => new(Body(message), HeaderOf(message).DirectoryBytes);

    /// <summary>The header of a message that was made here or opened.</summary>
    public static ref MessageHeader HeaderOf(MessageBuffer message) => ref *(MessageHeader*)message.Pointer;

    /// <summary>Checks a message that arrived and gives its header.</summary>
    /// <exception cref="OpenEmbeddingException">It is not a whole message of this version.</exception>
    public static ref readonly MessageHeader Open(MessageBuffer message)
    {
        if (message.Length < MessageHeader.Bytes)
        {
            Throw(message, $"has {message.Length} bytes, fewer than a header of {MessageHeader.Bytes}");
        }

        ref readonly var header = ref HeaderOf(message);
        if (header.Magic != Protocol.Magic)
        {
            Throw(message, $"starts with 0x{header.Magic:X8}, not with 0x{Protocol.Magic:X8}");
        }

        if (header.Version != Protocol.Version)
        {
            throw new OpenEmbeddingException(
                $"Message of rank {message.Source} is of protocol version {header.Version}, this program speaks version {Protocol.Version}; "
                + "start the same program on every rank.",
                JobExitCode.Cluster);
        }

        if (header.BodyBytes != message.Length - MessageHeader.Bytes || header.DirectoryBytes < 0 || header.DirectoryBytes > header.BodyBytes)
        {
            Throw(
                message,
                $"has {message.Length} bytes, not {MessageHeader.Bytes} of header and {header.BodyBytes} of body with {header.DirectoryBytes} of directory");
        }

        if (header.Checksum != ChecksumOf(message, header.DirectoryBytes))
        {
            Throw(message, "does not have the checksum that its header tells");
        }

        return ref header;
    }

    /// <summary>Reports a message that is not as it should be.</summary>
    [DoesNotReturn]
    public static void Throw(MessageBuffer message, string problem)
    {
        throw new OpenEmbeddingException($"Message of rank {message.Source} {problem}.");
    }

    private static ulong ChecksumOf(MessageBuffer message, int directoryBytes)
    {
        byte* start = (byte*)message.Pointer;
        ulong header = XxHash3.HashToUInt64(new ReadOnlySpan<byte>(start, MessageHeader.CheckedBytes));
        return XxHash3.HashToUInt64(new ReadOnlySpan<byte>(start + MessageHeader.Bytes, directoryBytes), (long)header);
    }
}
