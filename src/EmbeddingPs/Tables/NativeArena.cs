using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Hands out pieces of large native slabs; all are freed together.</summary>
internal sealed unsafe class NativeArena : IDisposable
{
    private const long SmallestSlab = 64 << 10;
    private const long LargestSlab = 64 << 20;
    private const long Alignment = 64;

    private readonly List<nint> _slabs = [];
    private nint _next;
    private long _left;

    /// <summary>Bytes handed out.</summary>
    public long Bytes { get; private set; }

    /// <summary>A piece of undefined content at the start of a cache line; it never moves.</summary>
    public nint Allocate(long bytes)
    {
        bytes = (bytes + Alignment - 1) & -Alignment;
        if (bytes > _left)
        {
            // Slabs grow with what is in use: small tables stay small, large ones get few slabs.
            _left = Math.Max(bytes, Math.Clamp(Bytes, SmallestSlab, LargestSlab));
            _next = HugePages.Allocate(_left);
            _slabs.Add(_next);
        }

        nint piece = _next;
        _next += (nint)bytes;
        _left -= bytes;
        Bytes += bytes;
        return piece;
    }

    /// <summary>Frees every slab.</summary>
    public void Dispose()
    {
        foreach (nint slab in _slabs)
        {
            NativeMemory.AlignedFree((void*)slab);
        }

        _slabs.Clear();
        _left = 0;
        Bytes = 0;
    }
}
