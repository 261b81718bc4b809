using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Room for the sums of one step, which never moves; used again by the next step.</summary>
internal sealed unsafe class GradientSums(int sumBytes) : IDisposable
{
    private const long SmallestBytes = 64 << 10;

    // A slab for the sums of a usual step, and more slabs while a step has more than any before.
    private readonly List<(nint Start, long Bytes)> _slabs = [];
    private readonly long _sumBytes = sumBytes;
    private nint _next;
    private nint _end;

    /// <summary>Whether an address is that of a sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(nint address)
    {
        foreach (var (start, bytes) in CollectionsMarshal.AsSpan(_slabs))
        {
            if ((nuint)(address - start) < (nuint)bytes)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The address of a new sum, of undefined content.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Take()
    {
        if (_end - _next < (nint)_sumBytes)
        {
            AddSlab();
        }

        nint sum = _next;
        _next += (nint)_sumBytes;
        return sum;
    }

    /// <summary>Forgets all sums.</summary>
    public void Clear()
    {
        if (_slabs.Count > 1)
        {
            // One slab for all of them, so that Contains is one comparison again.
            long bytes = _slabs.Sum(slab => slab.Bytes);
            Dispose();
            AddSlab(bytes);
        }

        if (_slabs.Count == 1)
        {
            _next = _slabs[0].Start;
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _slabs.ForEach(slab => NativeMemory.AlignedFree((void*)slab.Start));
        _slabs.Clear();
        _next = 0;
        _end = 0;
    }

    private void AddSlab() => AddSlab(Math.Max(Math.Max(SmallestBytes, _sumBytes), _slabs.Sum(slab => slab.Bytes)));

    private void AddSlab(long bytes)
    {
        _next = HugePages.Allocate(bytes);
        _end = _next + (nint)bytes;
        _slabs.Add((_next, bytes));
    }
}
