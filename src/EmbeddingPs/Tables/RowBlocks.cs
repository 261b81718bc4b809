using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Rows of equal size by number, in blocks that take memory when first needed and never move.</summary>
/// <remarks>
/// <code>
/// directory: [block 0][block 1][   ] …      0 where no row was needed
///               └─► [row 0][row 1] … [row 2^shift − 1]
/// </code>
/// </remarks>
internal sealed unsafe class RowBlocks : IDisposable
{
    // A vocabulary too large for this many blocks gets larger ones.
    private const long MostBlocks = 1 << 24;

    private readonly NativeArena _arena = new();
    private readonly int _shift;
    private readonly long _mask;
    private readonly int _stride;
    private readonly bool _zeroed;
    private nint* _directory;
    private long _directoryLength;

    /// <param name="rowLimit">Row numbers are below this.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="blockBytes">About how large a block is.</param>
    /// <param name="zeroed">Whether all rows are 0 at first; else their content is undefined.</param>
    public RowBlocks(long rowLimit, int stride, long blockBytes, bool zeroed)
    {
        long rows = Math.Max(1, blockBytes / stride);
        _shift = Math.Max(BitOperations.Log2((ulong)rows), BitOperations.Log2((ulong)(rowLimit / MostBlocks)));
        while (_shift > 0 && 1L << (_shift - 1) >= rowLimit)
        {
            _shift--;
        }

        _mask = (1L << _shift) - 1;
        _stride = stride;
        _zeroed = zeroed;
    }

    /// <summary>Rows per block, a power of two.</summary>
    public long RowsPerBlock => _mask + 1;

    /// <summary>Bytes of all blocks and of the directory.</summary>
    public long Bytes => _arena.Bytes + _directoryLength * sizeof(nint);

    /// <summary>The number of the block that holds a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long BlockOf(long row) => row >> _shift;

    /// <summary>Prepares memory for at least so many rows that come soon; before the first block.</summary>
    public void Reserve(long rows) => _arena.Reserve(((rows + _mask) >> _shift) * RowsPerBlock * _stride);

    /// <summary>Makes a block if it is not there.</summary>
    /// <returns>Whether it was made.</returns>
    public bool Add(long block)
    {
        if (block >= _directoryLength)
        {
            GrowDirectory(block);
        }
        else if (_directory[block] != 0)
        {
            return false;
        }

        long bytes = RowsPerBlock * _stride;
        nint address = _arena.Allocate(bytes);
        if (_zeroed)
        {
            NativeMemory.Clear((void*)address, (nuint)bytes);
        }

        _directory[block] = address;
        return true;
    }

    /// <summary>Finds the addresses of rows; valid until the next block is made.</summary>
    public RowAddresses Addresses => new(_directory, _shift, _stride);

    /// <summary>The address of a row, 0 if none of its block was needed so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Find(long row)
    {
        long block = row >> _shift;
        nint address = (ulong)block < (ulong)_directoryLength ? _directory[block] : 0;
        return address == 0 ? 0 : address + (nint)((row & _mask) * _stride);
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        _arena.Dispose();
        NativeMemory.Free(_directory);
        _directory = null;
        _directoryLength = 0;
    }

    private void GrowDirectory(long block)
    {
        long length = Math.Max(block + 1, 2 * _directoryLength);

        // Zeroed by the system on first touch, so a sparse directory costs little.
        var grown = (nint*)NativeMemory.AllocZeroed((nuint)length, (nuint)sizeof(nint));
        new ReadOnlySpan<nint>(_directory, (int)_directoryLength).CopyTo(new Span<nint>(grown, (int)length));
        NativeMemory.Free(_directory);
        _directory = grown;
        _directoryLength = length;
    }
}
