using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>The way from a row's number to its address, as a value that a loop keeps in registers.</summary>
/// <param name="directory">Addresses of blocks of 2^<paramref name="shift"/> rows.</param>
/// <param name="shift">Log2 of the rows of a block.</param>
/// <param name="stride">Bytes from row to row.</param>
internal readonly unsafe struct RowAddresses(nint* directory, int shift, int stride)
{
    private readonly nint* _directory = directory;
    private readonly long _mask = (1L << shift) - 1;
    private readonly long _stride = stride;
    private readonly int _shift = shift;

    /// <summary>The address of a row, whose block must be there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Of(long row) => _directory[row >> _shift] + (nint)((row & _mask) * _stride);

    /// <summary>Asks for what <see cref="Of"/> reads for a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(long row) => Prefetch.Line((nint)(_directory + (row >> _shift)));
}
