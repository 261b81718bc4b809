using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Some rows of one table, column by column: keys, then weights and each slot.</summary>
internal sealed unsafe class RowChunk : IDisposable
{
    private const long Bytes = 256 << 10;

    private byte* _memory;
    private long _memoryBytes;
    private RowLayout? _layout;
    private int _room;

    /// <summary>How many rows there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no more rows fit.</summary>
    public bool IsFull => Count == _room;

    /// <summary>The rows' columns and their place in the file.</summary>
    public RowLayout Layout => _layout!;

    /// <summary>Makes the chunk empty, for rows of one table.</summary>
    public void Reset(RowLayout layout)
    {
        _layout = layout;
        _room = (int)Math.Max(1, Bytes / layout.RowBytes);
        Count = 0;
        if (_memoryBytes < (long)_room * layout.RowBytes)
        {
            NativeMemory.Free(_memory);
            _memoryBytes = (long)_room * layout.RowBytes;
            _memory = (byte*)NativeMemory.Alloc((nuint)_memoryBytes);
        }
    }

    /// <summary>Copies rows.</summary>
    /// <returns>How many had room.</returns>
    public int Take(ReadOnlySpan<long> keys, ReadOnlySpan<nint> rows)
    {
        int count = Math.Min(keys.Length, _room - Count);
        keys[..count].CopyTo(new Span<long>(_memory, _room)[Count..]);
        for (int column = 0; column < Layout.Columns; column++)
        {
            int offset = Layout.Offset(column);
            int width = Layout.Width(column);
            byte* next = ColumnStart(column) + ((long)Count * width);
            for (int i = 0; i < count; i++)
            {
                RowCopy.Copy((byte*)rows[i] + offset, next, width);
                next += width;
            }
        }

        Count += count;
        return count;
    }

    /// <summary>Adds the rows to the arrays of a file.</summary>
    public void WriteTo(SegmentFile file)
    {
        int array = Layout.FirstArray;
        file.Append(array++, new ReadOnlySpan<byte>(_memory, Count * sizeof(long)));
        for (int column = 0; column < Layout.Columns; column++)
        {
            file.Append(array++, new ReadOnlySpan<byte>(ColumnStart(column), Count * Layout.Width(column)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        _memoryBytes = 0;
    }

    private byte* ColumnStart(int column) => _memory + ((long)_room * (sizeof(long) + Layout.BytesBefore(column)));
}
