using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Hands out pieces of large native slabs; all are freed together.</summary>
internal sealed unsafe class NativeArena : IDisposable
{
    private const long SmallestSlab = 64 << 10;
    private const long LargestSlab = 64 << 20;
    private const long Alignment = 64;

    // Smaller memory is touched sooner than threads begin to help.
    private const long SmallestPrefault = 16 << 20;

    private readonly List<nint> _slabs = [];
    private Prefaulter? _prefaulter;
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
            StartSlab(Math.Max(bytes, Math.Clamp(Bytes, SmallestSlab, LargestSlab)));
        }

        nint piece = _next;
        _next += (nint)bytes;
        _left -= bytes;
        Bytes += bytes;
        _prefaulter?.FilledTo(_next);
        return piece;
    }

    /// <summary>Prepares memory for pieces of so many bytes in all that come soon and one after the other. Once, before the first piece.</summary>
    public void Reserve(long bytes)
    {
        if (bytes >= SmallestPrefault)
        {
            StartSlab(bytes);
            _prefaulter = new Prefaulter(_next, bytes);
        }
    }

    /// <summary>Frees every slab.</summary>
    public void Dispose()
    {
        _prefaulter?.Dispose();
        _prefaulter = null;
        foreach (nint slab in _slabs)
        {
            NativeMemory.AlignedFree((void*)slab);
        }

        _slabs.Clear();
        _left = 0;
        Bytes = 0;
    }

    private void StartSlab(long bytes)
    {
        _left = bytes;
        _next = HugePages.Allocate(bytes);
        _slabs.Add(_next);
    }
}
