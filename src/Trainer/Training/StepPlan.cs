using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// One batch on its way: the samples, the distinct keys they touch, the pull of those keys, and the gradients that go back.
/// Plans are reused, so that a step allocates nothing once the buffers have grown.
/// </summary>
/// <remarks>A plan belongs to one thread at a time: the reader fills it, the trainer then owns it until it gives it back.</remarks>
internal sealed class StepPlan : IDisposable
{
    private readonly TableLayout _layout;
    private readonly int _shards;
    private readonly KeyBatch[] _keys;
    private readonly PullSection[] _sections;
    private readonly int[] _firstRow;
    private readonly RoleRows[] _roles;
    private readonly nint[][] _gradients;
    private long[] _ids = [];
    private int[] _index = [];
    private PullTicket? _ticket;

    public StepPlan(TableLayout layout, int shards, Batch batch)
    {
        _layout = layout;
        _shards = shards;
        Batch = batch;
        _keys = [.. layout.Sections.Select(_ => new KeyBatch())];
        _sections = [.. layout.Sections.Select((tables, i) => new PullSection(_keys[i], tables))];
        _firstRow = new int[_keys.Length];
        _roles = [.. layout.Sections[0].Select(table => new RoleRows(layout.Tables[table].Dimension, layout.Tables[table].ElementType))];
        _gradients = [.. layout.Sections.Select(tables => new nint[tables.Length])];
    }

    /// <summary>The samples.</summary>
    public Batch Batch { get; }

    /// <summary>Distinct rows pulled for each role.</summary>
    public int DistinctRows { get; private set; }

    /// <summary>Finds the distinct keys of the batch, section by section.</summary>
    public void PlanKeys()
    {
        int width = _layout.ColumnsPerSection;
        int rows = Batch.Rows;
        Grow(ref _ids, rows * width);
        Grow(ref _index, rows * _layout.Columns);
        int distinct = 0;
        for (int section = 0; section < _keys.Length; section++)
        {
            ReadOnlySpan<long> ids = IdsOf(section, width);
            _keys[section].Plan(ids, _layout.Kind, _shards);
            _firstRow[section] = distinct;
            ReadOnlySpan<long> positions = _keys[section].Positions;
            for (int i = 0; i < positions.Length; i++)
            {
                _index[(i / width * _layout.Columns) + (section * width) + (i % width)] = distinct + (int)positions[i];
            }

            distinct += _keys[section].Keys.Length;
        }

        DistinctRows = distinct;
    }

    /// <summary>Asks the servers for the rows; an empty batch asks for nothing.</summary>
    public void BeginPull(IEmbeddingStore store, long step, PullMode mode)
    {
        if (Batch.Rows > 0)
        {
            _ticket = store.BeginPull(step, mode, _sections);
        }
    }

    /// <summary>Waits until all rows are there.</summary>
    public void WaitForRows() => _ticket!.Wait();

    /// <summary>Waits for the rows and lays those of one role out by sample, part by part of the batch from its first sample on.</summary>
    /// <param name="role">Which table of a section.</param>
    /// <param name="first">The first sample of the part.</param>
    /// <param name="samples">Receives [samples of the part, columns, dimension].</param>
    public void CopyRows<T>(int role, int first, Span<T> samples)
        where T : unmanaged
    {
        RoleRows rows = _roles[role];
        if (first == 0)
        {
            _ticket!.Wait();
            rows.Reserve(DistinctRows);
            for (int section = 0; section < _sections.Length; section++)
            {
                _ticket.CopyRows(section, role, rows.Weights(_firstRow[section]));
            }
        }

        RowKernels.Gather(rows.Weights<T>(DistinctRows), IndexOf(first, samples.Length, rows.Dimension), samples, rows.Dimension);
    }

    /// <summary>Adds up the gradients of one role by distinct row, part by part of the batch from its first sample on.</summary>
    /// <param name="role">Which table of a section.</param>
    /// <param name="first">The first sample of the part.</param>
    /// <param name="samples">[samples of the part, columns, dimension].</param>
    public void ReduceGradients<T>(int role, int first, ReadOnlySpan<T> samples)
        where T : unmanaged, INumber<T>
    {
        RoleRows rows = _roles[role];
        Span<T> gradients = rows.Gradients<T>(DistinctRows);
        if (first == 0)
        {
            gradients.Clear();
        }

        RowKernels.ScatterAdd(samples, IndexOf(first, samples.Length, rows.Dimension), gradients, rows.Dimension);
    }

    /// <summary>Sends the reduced gradients; every trainer does so once per step, with an empty batch too.</summary>
    public void Push(IEmbeddingStore store, long step)
    {
        if (_ticket is null)
        {
            store.Push(step, []);
            return;
        }

        for (int section = 0; section < _sections.Length; section++)
        {
            for (int role = 0; role < _roles.Length; role++)
            {
                _gradients[section][role] = _roles[role].Gradients(_firstRow[section]);
            }
        }

        store.Push(step, [new GradientBlock(_ticket, _gradients)]);
        Release();
    }

    /// <summary>Gives the pulled rows back; the plan may be filled again.</summary>
    public void Release()
    {
        _ticket?.Dispose();
        _ticket = null;
    }

    public void Dispose()
    {
        Release();
        foreach (RoleRows role in _roles)
        {
            role.Dispose();
        }
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[length];
        }
    }

    private ReadOnlySpan<int> IndexOf(int first, int elements, int dimension) => _index.AsSpan(first * _layout.Columns, elements / dimension);

    private ReadOnlySpan<long> IdsOf(int section, int width)
    {
        ReadOnlySpan<long> all = Batch.Ids.AsSpan(0, Batch.Rows * _layout.Columns);
        if (width == _layout.Columns)
        {
            return all;
        }

        for (int row = 0; row < Batch.Rows; row++)
        {
            _ids[row] = all[(row * _layout.Columns) + section];
        }

        return _ids.AsSpan(0, Batch.Rows);
    }

    /// <summary>The pulled weights and the gradients of one role, [distinct rows, dimension] each, in native memory.</summary>
    private sealed unsafe class RoleRows(int dimension, ElementType type) : IDisposable
    {
        private readonly int _rowBytes = dimension * (type == ElementType.Float64 ? sizeof(double) : sizeof(float));
        private byte* _weights;
        private byte* _gradients;
        private int _capacity;

        public int Dimension => dimension;

        public void Reserve(int rows)
        {
            if (rows <= _capacity)
            {
                return;
            }

            Dispose();
            _capacity = checked(rows + (rows / 4));
            _weights = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity * (nuint)_rowBytes, 64);
            _gradients = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity * (nuint)_rowBytes, 64);
        }

        public nint Weights(int row) => (nint)(_weights + ((long)row * _rowBytes));

        public nint Gradients(int row) => (nint)(_gradients + ((long)row * _rowBytes));

        public Span<T> Weights<T>(int rows)
            where T : unmanaged => new(_weights, rows * dimension);

        public Span<T> Gradients<T>(int rows)
            where T : unmanaged => new(_gradients, rows * dimension);

        public void Dispose()
        {
            NativeMemory.AlignedFree(_weights);
            NativeMemory.AlignedFree(_gradients);
            _weights = _gradients = null;
            _capacity = 0;
        }
    }
}
