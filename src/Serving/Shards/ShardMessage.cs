using System.Buffers.Binary;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Shards;

/// <summary>What a request to a shard process asks for.</summary>
internal enum ShardRequest
{
    /// <summary>Loads a shard of a model's tables; the body is a <see cref="ShardAssignment"/>.</summary>
    Load = 1,

    /// <summary>Lets a shard go; the body is a <see cref="ShardAssignment"/>.</summary>
    Unload = 2,

    /// <summary>Asks for rows; the body is that of <see cref="Lookup"/>.</summary>
    Lookup = 3,

    /// <summary>Asks which shards are there; no body, and a list of <see cref="ShardAssignment"/> as the answer.</summary>
    State = 4,
}

/// <summary>How a request ended.</summary>
internal enum ShardStatus
{
    Ok = 0,

    /// <summary>There is no shard of this model and version here; the body is the reason, as for all below.</summary>
    NotFound = 1,

    /// <summary>The request is not one of this protocol.</summary>
    Malformed = 2,

    /// <summary>It cannot be done.</summary>
    Failed = 3,
}

/// <summary>The messages between <c>oe-serve</c> and its shard processes, over TCP; one request at a time on a connection.</summary>
/// <remarks>
/// <code>
/// message = magic:u32 code:u32 length:u32 body      little-endian
/// code    = ShardRequest on the way there, ShardStatus on the way back
/// body    = length bytes
/// </code>
/// </remarks>
internal readonly record struct ShardMessage(int Code, byte[] Body)
{
    /// <summary>The most bytes of a body.</summary>
    public const int LargestBody = 256 << 20;

    private const int HeaderBytes = 12;
    private const uint Magic = 0x3153_454F; // OES1

    public static async Task Write(Stream stream, int code, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        byte[] header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), code);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), body.Length);
        await stream.WriteAsync(header, stop);
        await stream.WriteAsync(body, stop);
        await stream.FlushAsync(stop);
    }

    /// <summary>Reads a message.</summary>
    /// <returns>Null where the other side has closed the connection between two messages.</returns>
    /// <exception cref="OpenEmbeddingException">What comes is no message.</exception>
    public static async Task<ShardMessage?> Read(Stream stream, CancellationToken stop)
    {
        byte[] header = new byte[HeaderBytes];
        int read = await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, stop);
        if (read == 0)
        {
            return null;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
        if (read < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic || (uint)length > LargestBody)
        {
            throw new OpenEmbeddingException($"what came is no message of a shard: \"OES1\", a code and a length up to {LargestBody} are expected");
        }

        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, stop);
        return new ShardMessage(BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4)), body);
    }
}
