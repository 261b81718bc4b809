using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>A buffer for gradients that travelled in another type than the table's; reused.</summary>
internal sealed unsafe class WideGradients : IDisposable
{
    private const int Alignment = 64;

    private nint _buffer;
    private long _room;

    /// <summary>Converts gradients to the table's type.</summary>
    /// <param name="sent">[count] as they travel.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="format">How they travel.</param>
    /// <returns>[count] of the table's type, until the next call.</returns>
    public nint Read(nint sent, long count, WireFormat format)
    {
        long bytes = count * format.Stored.SizeOf();
        if (bytes > _room)
        {
            Dispose();
            _room = bytes + (bytes / 4);
            _buffer = (nint)NativeMemory.AlignedAlloc((nuint)_room, Alignment);
        }

        format.Read(sent, _buffer, count);
        return _buffer;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree((void*)_buffer);
        _buffer = 0;
        _room = 0;
    }
}
