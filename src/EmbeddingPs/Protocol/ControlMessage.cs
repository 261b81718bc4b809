using MessagePack;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Messages whose body is one MessagePack value; the checksum covers all of it.</summary>
internal static class ControlMessage
{
    private static readonly MessagePackSerializerOptions _options =
        MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData);

    /// <summary>The bytes of a value.</summary>
    public static byte[] Serialize<T>(T value)
        where T : class => MessagePackSerializer.Serialize(value, _options);

    /// <summary>Makes a message that is ready to be sent.</summary>
    /// <param name="header">Kind, step, ticket, trainer and code.</param>
    /// <param name="body">What <see cref="Serialize"/> gave, or nothing.</param>
    public static MessageBuffer Create(MessageHeader header, ReadOnlySpan<byte> body)
    {
        header.BodyBytes = body.Length;
        header.DirectoryBytes = body.Length;
        var message = Envelope.Rent(header);
        body.CopyTo(Envelope.Directory(message));
        Envelope.Seal(message);
        return message;
    }

    /// <summary>Reads the value of an opened message.</summary>
    public static T Read<T>(MessageBuffer message)
        where T : class => Deserialize<T>(Envelope.Directory(message).ToArray(), message.Source);

    /// <summary>Reads a value.</summary>
    /// <param name="bytes">What <see cref="Serialize"/> gave.</param>
    /// <param name="source">The rank that it came from.</param>
    public static T Deserialize<T>(byte[] bytes, int source)
        where T : class
    {
        try
        {
            return MessagePackSerializer.Deserialize<T>(bytes, _options) ?? throw new MessagePackSerializationException("it is empty");
        }
        catch (MessagePackSerializationException e)
        {
            throw new OpenEmbeddingException(
                $"Message of rank {source} does not hold a {typeof(T).Name}: {e.GetBaseException().Message}", JobExitCode.Failure, e);
        }
    }
}
