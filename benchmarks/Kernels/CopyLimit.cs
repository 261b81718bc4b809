using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The limit of a pull: a plain loop that copies rows at known addresses out of one array on huge pages.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed unsafe class CopyLimit : IDisposable
{
    private readonly NativeMemoryBlock _source;
    private readonly NativeMemoryBlock _destination;
    private readonly int _bytes;
    private readonly int _distance;
    private readonly long _stride;

    /// <param name="rows">Rows of the array.</param>
    /// <param name="bytes">Bytes to copy of each.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="count">The most rows of one call.</param>
    public CopyLimit(long rows, int bytes, long stride, int count)
    {
        _bytes = bytes;
        _distance = Prefetch.Distance(bytes);
        _stride = stride;
        _source = new NativeMemoryBlock(rows * stride);
        _destination = new NativeMemoryBlock((long)count * bytes);
    }

    /// <summary>The limit as the targets name it: rows packed in 1 GB.</summary>
    public static CopyLimit OfOneGigabyte(int bytes, int count) => new(RowsOfOneGigabyte(bytes), bytes, bytes, count);

    /// <summary>Rows of <see cref="OfOneGigabyte"/>.</summary>
    public static long RowsOfOneGigabyte(int bytes) => (1L << 30) / bytes;

    /// <summary>Copies the rows.</summary>
    public void Copy(long[] rows)
    {
        byte* source = (byte*)_source.Address;
        byte* destination = (byte*)_destination.Address;
        foreach (long row in rows)
        {
            RowCopy.Copy(source + row * _stride, destination, _bytes);
            destination += _bytes;
        }
    }

    /// <summary>Copies the rows and asks for them ahead.</summary>
    public void CopyWithPrefetch(long[] rows)
    {
        byte* source = (byte*)_source.Address;
        byte* destination = (byte*)_destination.Address;
        for (int i = 0; i < rows.Length; i++)
        {
            if (i + _distance < rows.Length)
            {
                Prefetch.Row((nint)(source + rows[i + _distance] * _stride), _bytes);
            }

            RowCopy.Copy(source + rows[i] * _stride, destination, _bytes);
            destination += _bytes;
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _destination.Dispose();
    }
}
