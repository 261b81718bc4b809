using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Room for the keys of one message that came compressed; reused by the next.</summary>
internal sealed unsafe class KeyDecompressor : IDisposable
{
    private long _room;

    /// <summary>The keys of the last message.</summary>
    public long* Keys { get; private set; }

    /// <summary>Decompresses the keys of a message.</summary>
    /// <returns>The bytes read; −1 if they do not hold as many keys.</returns>
    public long Read(byte* source, long bytes, long keys)
    {
        if (keys > Array.MaxLength)
        {
            return -1;
        }

        if (keys > _room)
        {
            Dispose();
            _room = keys + (keys / 4);
            Keys = (long*)NativeMemory.Alloc((nuint)_room, sizeof(long));
        }

        return CompressedKeys.Read(source, bytes, new Span<long>(Keys, (int)keys));
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.Free(Keys);
        Keys = null;
        _room = 0;
    }
}
