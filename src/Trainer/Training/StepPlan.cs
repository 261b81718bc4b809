using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// One batch on its way: the samples, the distinct keys they touch, the pull of those keys, and the gradients that go back.
/// Plans are reused, so that a step allocates nothing once the buffers have grown.
/// </summary>
/// <remarks>A plan belongs to one thread at a time: the reader fills it, the trainer then owns it until it gives it back.</remarks>
internal sealed unsafe class StepPlan : IDisposable
{
    // Below this other threads would come too late to help.
    private const int FewestSamples = 1024;

    private const int SamplesOfRange = 2048;

    // The keys of a block stay in the nearest cache while those of each section are taken out.
    private const int SamplesOfBlock = 32;

    private readonly TableLayout _layout;
    private readonly int _shards;
    private readonly KeyBatch[] _keys;
    private readonly PullSection[] _sections;
    private readonly int[] _firstRow;
    private readonly RoleRows[] _roles;
    private readonly nint[][] _gradients;
    private readonly HostMemory _memory;

    // Of each section the keys of its slots, where these are not all.
    private readonly long[][] _ids;
    private int* _index;
    private int _indexCapacity;
    private PullTicket? _ticket;

    public StepPlan(TableLayout layout, int shards, Batch batch, HostMemory memory)
    {
        _memory = memory;
        _ids = [.. layout.Sections.Select(_ => Array.Empty<long>())];
        _layout = layout;
        _shards = shards;
        Batch = batch;
        _keys = [.. layout.Sections.Select(_ => new KeyBatch())];
        _sections = [.. layout.Sections.Select((tables, i) => new PullSection(_keys[i], tables))];
        _firstRow = new int[_keys.Length];
        _roles = [.. layout.Sections[0].Select((table, role) => new RoleRows(layout.DimensionOf(role), layout.Tables[table].ElementType, memory))];
        _gradients = [.. layout.Sections.Select(tables => new nint[tables.Length])];
        Device = memory.IsPinned ? new DeviceInputs(memory, layout.Tables[0].ElementType, _keys.Length) : null;
    }

    /// <summary>The samples.</summary>
    public Batch Batch { get; }

    /// <summary>What a GPU takes beside the rows; null where the processor computes.</summary>
    public DeviceInputs? Device { get; }

    private SparseSlots Slots => _layout.Slots;

    // Whether the keys of a section are some of those of a sample, as many of each: they are taken out for all sections at once.
    private bool IsSplit => _keys.Length > 1 && !Slots.IsMultiHot;

    private ReadOnlySpan<long> AllIds => Batch.Ids.AsSpan(0, Batch.Rows * Slots.Count);

    /// <summary>Distinct rows pulled for each role.</summary>
    public int DistinctRows { get; private set; }

    /// <summary>Finds the distinct keys of the batch, section by section.</summary>
    /// <param name="team">Works on it.</param>
    public void PlanKeys(WorkerTeam team)
    {
        ReserveIndex(Batch.Rows * Slots.Count);
        if (IsSplit)
        {
            ReserveIds();
            InRanges(team, SplitIds);
        }

        InSections(team, section => _keys[section].Plan(IdsOf(section), _layout.Kind, _shards));
        int distinct = 0;
        for (int section = 0; section < _keys.Length; section++)
        {
            _firstRow[section] = distinct;
            distinct += _keys[section].Keys.Length;
        }

        DistinctRows = distinct;
        if (Slots.IsMultiHot)
        {
            InSections(team, WriteIndexOf);
        }
        else
        {
            InRanges(team, WriteIndex);
        }

        if (Device is { } device)
        {
            device.Take(Batch);
            device.Segments.Begin(Batch.Rows, distinct);
            InSections(team, section => device.Segments.Count(section, _keys[section].Positions, _firstRow[section], _keys[section].Count));
            device.Segments.Lay();
            InSections(team, section => FillSegments(device.Segments, section));
        }
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

    /// <summary>
    /// Waits for the rows and lays those of one role out by sample, part by part of the batch from its first sample on; those of a multi-hot field combined.
    /// </summary>
    /// <param name="role">Which table of a section.</param>
    /// <param name="first">The first sample of the part.</param>
    /// <param name="samples">Receives [samples of the part, columns, dimension].</param>
    public void CopyRows<T>(int role, int first, Span<T> samples)
        where T : unmanaged, INumber<T>
    {
        RoleRows rows = _roles[role];
        if (first == 0)
        {
            CopyRows(role);
        }

        ReadOnlySpan<int> index = IndexOf(first, samples.Length, rows.Dimension);
        if (Slots.IsMultiHot)
        {
            PooledRows.Gather(rows.Weights<T>(DistinctRows), index, samples, rows.Dimension, Slots);
        }
        else
        {
            RowKernels.Gather(rows.Weights<T>(DistinctRows), index, samples, rows.Dimension);
        }
    }

    /// <summary>Waits for the rows and copies the distinct ones of a role.</summary>
    /// <param name="role">Which table of a section.</param>
    /// <returns>The address of their weights, [<see cref="DistinctRows"/>, dimension].</returns>
    public nint CopyRows(int role)
    {
        RoleRows rows = _roles[role];
        _ticket!.Wait();
        rows.Reserve(DistinctRows);
        for (int section = 0; section < _sections.Length; section++)
        {
            _ticket.CopyRows(section, role, rows.Weights(_firstRow[section]));
            rows.Widen(_firstRow[section], _keys[section].Keys.Length, StoredDimension(section, role));
        }

        return rows.Weights(0);
    }

    /// <summary>Where the gradients of a role's distinct rows are to be, [<see cref="DistinctRows"/>, dimension], once <see cref="CopyRows(int)"/> has made room.</summary>
    public nint GradientsOf(int role) => _roles[role].Gradients(0);

    /// <summary>The address of the distinct row of every sample and slot, int32, from a sample on; −1 for an empty slot.</summary>
    public nint IndexFrom(int sample) => (nint)(_index + ((long)sample * Slots.Count));

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

        ReadOnlySpan<int> index = IndexOf(first, samples.Length, rows.Dimension);
        if (Slots.IsMultiHot)
        {
            PooledRows.ScatterAdd(samples, index, gradients, rows.Dimension, Slots);
        }
        else
        {
            RowKernels.ScatterAdd(samples, index, gradients, rows.Dimension);
        }
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
                _roles[role].NarrowGradients(_firstRow[section], _keys[section].Keys.Length, StoredDimension(section, role));
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
        Device?.Dispose();
        foreach (RoleRows role in _roles)
        {
            role.Dispose();
        }

        _memory.Free((byte*)_index);
        _index = null;
    }

    private int StoredDimension(int section, int role) => _layout.Tables[_layout.Sections[section][role]].Dimension;

    private void ReserveIndex(int elements)
    {
        if (elements > _indexCapacity)
        {
            _memory.Free((byte*)_index);
            _index = (int*)_memory.Allocate((long)elements * sizeof(int));
            _indexCapacity = elements;
        }
    }

    // For as many samples as have so many elements of pooled rows.
    private ReadOnlySpan<int> IndexOf(int first, int elements, int dimension) => new((int*)IndexFrom(first), elements / dimension / _layout.Columns * Slots.Count);

    private void InSections(WorkerTeam team, Action<int> work)
    {
        if (Batch.Rows < FewestSamples)
        {
            for (int section = 0; section < _keys.Length; section++)
            {
                work(section);
            }
        }
        else
        {
            team.Do(_keys.Length, work);
        }
    }

    /// <summary>Works on ranges of samples: so that no thread writes to a line of the cache in which another does.</summary>
    private void InRanges(WorkerTeam team, Action<int, int> work)
    {
        int rows = Batch.Rows;
        int ranges = team.Threads == 1 ? 1 : (rows / SamplesOfRange) + 1;
        if (ranges == 1)
        {
            work(0, rows);
        }
        else
        {
            team.Do(ranges, range => work(range * SamplesOfRange, Math.Min(rows, (range + 1) * SamplesOfRange)));
        }
    }

    private void SplitIds(int first, int end)
    {
        ReadOnlySpan<long> all = AllIds;
        int slots = Slots.Count;
        for (int start = first; start < end; start += SamplesOfBlock)
        {
            int count = Math.Min(SamplesOfBlock, end - start);
            for (int section = 0; section < _keys.Length; section++)
            {
                ReadOnlySpan<int> own = _layout.SlotsOf(section);
                for (int i = 0; i < own.Length; i++)
                {
                    Span<long> ids = _ids[section].AsSpan((start * own.Length) + i);
                    int from = (start * slots) + own[i];
                    for (int to = 0; to < count * own.Length; to += own.Length, from += slots)
                    {
                        ids[to] = all[from];
                    }
                }
            }
        }
    }

    private void WriteIndex(int first, int end)
    {
        int slots = Slots.Count;
        for (int start = first; start < end; start += SamplesOfBlock)
        {
            int count = Math.Min(SamplesOfBlock, end - start);
            for (int section = 0; section < _keys.Length; section++)
            {
                ReadOnlySpan<int> own = _layout.SlotsOf(section);
                int firstRow = _firstRow[section];
                for (int i = 0; i < own.Length; i++)
                {
                    ReadOnlySpan<long> positions = _keys[section].Positions[((start * own.Length) + i)..];
                    int* to = _index + (start * slots) + own[i];
                    for (int from = 0; from < count * own.Length; from += own.Length, to += slots)
                    {
                        *to = firstRow + (int)positions[from];
                    }
                }
            }
        }
    }

    /// <summary>Writes the index of one section, some of whose slots may be empty.</summary>
    private void WriteIndexOf(int section)
    {
        ReadOnlySpan<int> slots = _layout.SlotsOf(section);
        int first = _firstRow[section];
        ReadOnlySpan<long> positions = _keys[section].Positions;
        ReadOnlySpan<long> all = AllIds;
        int next = 0;
        for (int row = 0; row < all.Length; row += Slots.Count)
        {
            foreach (int slot in slots)
            {
                _index[row + slot] = all[row + slot] == SparseSlots.Empty ? -1 : first + (int)positions[next++];
            }
        }
    }

    private void FillSegments(RowSegments segments, int section)
    {
        KeyBatch keys = _keys[section];
        var index = new ReadOnlySpan<int>(_index, Slots.IsMultiHot ? Batch.Rows * Slots.Count : 0);
        segments.Fill(section, keys.Positions, _firstRow[section], keys.Count, index, Slots.Count, _layout.SlotsOf(section));
    }

    private void ReserveIds()
    {
        for (int section = 0; section < _keys.Length; section++)
        {
            int count = Batch.Rows * _layout.SlotsOf(section).Length;
            if (_ids[section].Length < count)
            {
                _ids[section] = new long[count];
            }
        }
    }

    private ReadOnlySpan<long> IdsOf(int section)
    {
        if (IsSplit)
        {
            return _ids[section].AsSpan(0, Batch.Rows * _layout.SlotsOf(section).Length);
        }

        if (!Slots.IsMultiHot)
        {
            return AllIds;
        }

        ReadOnlySpan<int> slots = _layout.SlotsOf(section);
        ref long[] ids = ref _ids[section];
        if (ids.Length < Batch.Rows * slots.Length)
        {
            ids = new long[Batch.Rows * slots.Length];
        }

        return ids.AsSpan(0, Slots.CopyKeys(AllIds, slots, ids));
    }
}
