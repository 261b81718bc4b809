using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>The gradient of a whole array table, and a mark for each row that has one.</summary>
internal sealed unsafe class DenseGradient : IDisposable
{
    private readonly EmbeddingTable _table;
    private readonly double _l2;
    private readonly long[] _rows;
    private readonly int _rowBytes;
    private readonly WireFormat _format;
    private nint _gradient;

    // The gradient as it travels: the same memory, unless it is converted.
    private nint _sent;
    private nint _marks;

    /// <summary>Makes a gradient of zeros, and every row of the table.</summary>
    /// <param name="table">The table, whose own L2 is 0.</param>
    /// <param name="l2">The L2 of rows that have a gradient.</param>
    /// <param name="rowBytes">Bytes of a row's weights.</param>
    /// <param name="format">How the gradient travels.</param>
    public DenseGradient(EmbeddingTable table, double l2, int rowBytes, WireFormat format)
    {
        _table = table;
        _l2 = l2;
        _rowBytes = rowBytes;
        _format = format;
        long[] keys = new long[table.Options.Vocabulary];
        for (int key = 0; key < keys.Length; key++)
        {
            keys[key] = key;
        }

        _rows = new long[keys.Length];
        table.FindOrAdd(keys, _rows);
        _gradient = HugePages.Allocate(Bytes);
        _sent = format.Converts ? HugePages.Allocate(SentBytes) : _gradient;
        _marks = HugePages.Allocate(keys.Length);
        Clear();
    }

    /// <summary>The type in which the gradient travels.</summary>
    public ElementType SentType => _format.Sent;

    /// <summary>The gradient as it travels, [vocabulary, Dimension].</summary>
    public Segment Sent => new(_sent, Numbers);

    /// <summary>Bytes of the gradient as it travels.</summary>
    public long SentBytes => Numbers * _format.SentBytes;

    /// <summary>[vocabulary] of bytes, 1 where a row has a gradient.</summary>
    public Segment Marks => new(_marks, _rows.LongLength);

    /// <summary>Whether <see cref="Marks"/> matter: L2 pulls on rows that have a gradient only, whatever the strategy.</summary>
    public bool NeedsMarks => _l2 != 0;

    private ElementType ElementType => _table.Options.ElementType;

    private long Numbers => _rows.LongLength * _table.Options.Dimension;

    private long Bytes => _rows.LongLength * _rowBytes;

    /// <summary>Adds gradients of some keys.</summary>
    public void Add(ReadOnlySpan<long> keys, nint gradients)
    {
        if (ElementType == ElementType.Float32)
        {
            Add<float>(keys, (float*)gradients);
        }
        else
        {
            Add<double>(keys, (double*)gradients);
        }
    }

    /// <summary>Makes <see cref="Sent"/> of what was added.</summary>
    public void Send()
    {
        if (_format.Converts)
        {
            _format.Write(_gradient, _sent, Numbers);
        }
    }

    /// <summary>Updates every row with <see cref="Sent"/> and starts anew with zeros.</summary>
    /// <param name="step">Steps applied with this one.</param>
    public void Apply(long step)
    {
        _table.Step = step;
        if (_format.Converts)
        {
            _format.Read(_sent, _gradient, Numbers);
        }

        if (NeedsMarks)
        {
            if (ElementType == ElementType.Float32)
            {
                AddL2<float>();
            }
            else
            {
                AddL2<double>();
            }
        }

        _table.Apply(_rows, _gradient);
        Clear();
    }

    public void Dispose()
    {
        if (_sent != _gradient)
        {
            NativeMemory.AlignedFree((void*)_sent);
        }

        NativeMemory.AlignedFree((void*)_gradient);
        NativeMemory.AlignedFree((void*)_marks);
        _gradient = 0;
        _sent = 0;
        _marks = 0;
    }

    private void Add<T>(ReadOnlySpan<long> keys, T* gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int dimension = _table.Options.Dimension;
        foreach (long key in keys)
        {
            T* sum = (T*)_gradient + (key * dimension);
            RowMath.AddScaled(sum, sum, gradients, T.One, dimension);
            ((byte*)_marks)[key] = 1;
            gradients += dimension;
        }
    }

    private void AddL2<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int dimension = _table.Options.Dimension;
        T* weights = (T*)NativeMemory.Alloc((nuint)_rowBytes);
        T* gradient = (T*)_gradient;
        for (int row = 0; row < _rows.Length; row++)
        {
            if (((byte*)_marks)[row] != 0)
            {
                _table.Gather(_rows.AsSpan(row, 1), (nint)weights);
                RowMath.AddScaled(gradient, gradient, weights, T.CreateChecked(2 * _l2), dimension);
            }

            gradient += dimension;
        }

        NativeMemory.Free(weights);
    }

    private void Clear()
    {
        NativeMemory.Clear((void*)_gradient, (nuint)Bytes);
        NativeMemory.Clear((void*)_marks, (nuint)_rows.LongLength);
    }
}
