using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>A message in native memory, aligned to 64 bytes and reused: <see cref="Dispose"/> gives the memory back to the pool.</summary>
/// <remarks>One owner at a time; a new message's bytes are not cleared.</remarks>
public sealed unsafe class MessageBuffer : IDisposable
{
    private nint _pointer;

    private MessageBuffer(nint pointer, long capacity, long length)
    {
        _pointer = pointer;
        Capacity = capacity;
        Length = length;
    }

    /// <summary>The first byte; aligned to 64 bytes.</summary>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == 0, this);
            return _pointer;
        }
    }

    /// <summary>The length of the message in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>The bytes that <see cref="Resize"/> may grow the message to.</summary>
    public long Capacity { get; }

    /// <summary>The rank that sent the message; set when it is received.</summary>
    public int Source { get; internal set; }

    /// <summary>The bytes of a message of less than 2 GiB.</summary>
    /// <exception cref="OverflowException">The message is longer; use <see cref="Pointer"/>.</exception>
    public Span<byte> Span => new((void*)Pointer, checked((int)Length)); // native memory of Capacity bytes

    /// <summary>Takes a message of the given length from the pool.</summary>
    /// <param name="bytes">The length in bytes, 0 or more.</param>
    public static MessageBuffer Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var pointer = NativePool.Rent(bytes, out var capacity);
        return new MessageBuffer(pointer, capacity, bytes);
    }

    /// <summary>Takes a message from the pool and copies the bytes into it.</summary>
    /// <param name="bytes">The content.</param>
    public static MessageBuffer Copy(ReadOnlySpan<byte> bytes)
    {
        var message = Rent(bytes.Length);
        bytes.CopyTo(message.Span);
        return message;
    }

    /// <summary>Changes the length; the bytes before it stay.</summary>
    /// <param name="bytes">The new length, at most <see cref="Capacity"/>.</param>
    public void Resize(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Capacity);
        Length = bytes;
    }

    /// <summary>The content as elements of a type; the message is less than 2³¹ elements long.</summary>
    /// <typeparam name="T">The type of an element.</typeparam>
    public Span<T> As<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Span);

    /// <summary>Gives the memory back; the second call does nothing.</summary>
    public void Dispose()
    {
        var pointer = Interlocked.Exchange(ref _pointer, 0);
        if (pointer != 0)
        {
            NativePool.Return(pointer, Capacity);
        }
    }
}
