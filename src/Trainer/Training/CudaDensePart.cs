using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// The dense part on a GPU. The distinct rows of a batch go there once, the samples take theirs from them, and the gradients come back added up
/// by row. The weights that count are the host's, which the update rule moves; the GPU computes with a copy.
/// </summary>
/// <remarks>
/// Everything that the GPU computes is on libtorch's stream; gradients and scores leave on one of their own, and NCCL has another. All host buffers
/// are pinned. What a batch has beside its rows is sent while the rows are still on their way.
/// </remarks>
internal sealed unsafe class CudaDensePart : IDensePart
{
    private readonly CudaDevice _device;
    private readonly HostMemory _memory;
    private readonly Device _torchDevice;
    private readonly DenseOptimizer _optimizer;
    private readonly ProcessSet _trainers;
    private readonly TableLayout _layout;
    private readonly int _denseColumns;
    private readonly ScalarType _type;
    private readonly int _elementBytes;
    private readonly FlatParameters _hostWeights;
    private readonly FlatParameters _deviceWeights;
    private readonly Parameter[] _parameters;
    private readonly SegmentSum _sum;
    private readonly CudaStream _copies = CudaStream.Create();
    private readonly CudaEvent _computed = new();
    private readonly CudaEvent _copied = new();

    // Of the whole batch: the row of every slot, [samples, slots]; the lists of RowSegments; dense columns and labels.
    private Tensor? _index;
    private Tensor? _segments;
    private Tensor? _numbers;

    // By role: the distinct rows of the batch, [distinct rows, dimension]; the row of every slot of the part, [samples, slots, dimension], where
    // the backward pass ends; what the model takes, which is the same unless columns are multi-hot; and the gradients of each part's slots.
    private readonly Tensor?[] _rows;
    private readonly Tensor?[] _slotRows;
    private readonly Tensor?[] _samples;
    private readonly List<Tensor>[] _slotGradients;

    // What is on its way to the host.
    private readonly Tensor?[] _rowGradients;
    private readonly List<Tensor> _logits = [];
    private Tensor? _scores;
    private Tensor? _gradients;

    // The dense gradients as they come from the GPU, in the parameters' own type.
    private readonly byte* _arrived;
    private float* _arrivedScores;
    private int _scoreCapacity;
    private int _scoreCount;

    /// <summary>Takes the host's model, whose weights it moves to pinned memory, and makes its copy on the GPU.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="memory">Pinned memory.</param>
    /// <param name="host">The model whose weights the optimizer moves.</param>
    /// <param name="copy">Makes the same model on a device.</param>
    /// <param name="optimizer">The rule, of the host's weights.</param>
    /// <param name="trainers">Sums the gradients; with its GPUs joined, there.</param>
    /// <param name="layout">The tables.</param>
    /// <param name="denseColumns">Dense columns of the data.</param>
    public CudaDensePart(
        CudaDevice device,
        HostMemory memory,
        CtrModel host,
        Func<Device, CtrModel> copy,
        DenseOptimizer optimizer,
        ProcessSet trainers,
        TableLayout layout,
        int denseColumns)
    {
        _device = device;
        _memory = memory;
        _torchDevice = torch.device(DeviceType.CUDA, device.Ordinal);
        _optimizer = optimizer;
        _trainers = trainers;
        _layout = layout;
        _denseColumns = denseColumns;
        bool wide = optimizer.ElementType == ElementType.Float64;
        _type = wide ? ScalarType.Float64 : ScalarType.Float32;
        _elementBytes = wide ? sizeof(double) : sizeof(float);
        Model = copy(_torchDevice);
        _hostWeights = new FlatParameters([.. host.DenseParameters()], flat => flat.pin_memory());
        _deviceWeights = new FlatParameters([.. Model.DenseParameters()], flat => flat);
        _parameters = [.. Model.DenseParameters().Select(named => named.Parameter)];
        _arrived = memory.Allocate(optimizer.Count * _elementBytes);
        _sum = new SegmentSum(_torchDevice);
        _rows = new Tensor?[layout.Sections[0].Length];
        _slotRows = new Tensor?[_rows.Length];
        _samples = new Tensor?[_rows.Length];
        _rowGradients = new Tensor?[_rows.Length];
        _slotGradients = [.. _rows.Select(_ => new List<Tensor>())];
        Dense = Labels = null!;
        Upload();
    }

    public CtrModel Model { get; }

    public Tensor Dense { get; private set; }

    public Tensor Labels { get; private set; }

    public Tensor? Linear => _layout.LinearRole is { } role ? _samples[role]!.squeeze(-1) : null;

    public Tensor? Embeddings => _layout.EmbeddingRole is { } role ? _samples[role] : null;

    public ReadOnlySpan<float> Scores => new(_arrivedScores, _scoreCount);

    public void BeginStep()
    {
        Forget(ref _gradients);
        Forget(ref _scores);
        foreach (ref Tensor? gradients in _rowGradients.AsSpan())
        {
            Forget(ref gradients);
        }

        foreach (Parameter parameter in _parameters)
        {
            parameter.grad = null;
        }
    }

    public void Prepare(StepPlan plan)
    {
        int samples = plan.Batch.Rows;
        DeviceInputs inputs = plan.Device!;
        Send(ref _index, plan.IndexFrom(0), samples * _layout.Slots.Count, ScalarType.Int32);
        Send(ref _segments, inputs.Segments.Address, inputs.Segments.Length, ScalarType.Int32);
        Send(ref _numbers, inputs.Numbers, samples * (_denseColumns + 1), _type);
    }

    public void Load(StepPlan plan, int first, int rows)
    {
        if (first == 0)
        {
            LoadRows(plan);
        }

        int samples = plan.Batch.Rows;
        SparseSlots slots = _layout.Slots;
        Dense = _numbers!.narrow(0, (long)first * _denseColumns, (long)rows * _denseColumns).view(rows, _denseColumns);
        Labels = _numbers.narrow(0, ((long)samples * _denseColumns) + first, rows);
        Tensor index = _index!.narrow(0, (long)first * slots.Count, (long)rows * slots.Count);
        Tensor used = slots.IsMultiHot ? index.clamp_min(0) : index;
        for (int role = 0; role < _rows.Length; role++)
        {
            Tensor slotRows = _rows[role]!.index_select(0, used).view(rows, slots.Count, -1).requires_grad_(is_grad_enabled());
            _slotRows[role] = slotRows;
            _samples[role] = slots.IsMultiHot ? SlotPooling.Pool(slotRows, index.view(rows, slots.Count), slots) : slotRows;
        }
    }

    public void PartEnds(StepPlan plan, Tensor logits, bool isLast)
    {
        _logits.Add(logits.detach().to_type(ScalarType.Float32).DetachFromDisposeScope());
        for (int role = 0; role < _rows.Length; role++)
        {
            _slotGradients[role].Add(_slotRows[role]!.grad!.view(-1, _layout.DimensionOf(role)).DetachFromDisposeScope());
        }

        if (!isLast)
        {
            return;
        }

        using (no_grad())
        {
            for (int role = 0; role < _rows.Length; role++)
            {
                using Tensor slots = Join(_slotGradients[role]);
                _rowGradients[role] = _sum.Of(slots, _segments!, plan.Device!.Segments);
            }

            _gradients = CollectGradients();
            _scores = Join(_logits);
        }

        _computed.Record(CudaStream.Default);
        _copies.WaitFor(_computed);
        if (!_trainers.HasDevices)
        {
            CopyGradients();
        }

        for (int role = 0; role < _rows.Length; role++)
        {
            Tensor gradients = _rowGradients[role]!;
            _copies.CopyToHost(plan.GradientsOf(role), FlatParameters.AddressOf(gradients), gradients.NumberOfElements * _elementBytes);
        }

        CopyScores(plan.Batch.Rows);
        _copied.Record(_copies);
    }

    public Pending BeginSum()
    {
        if (_trainers.HasDevices)
        {
            if (_gradients is null)
            {
                _gradients = zeros([_optimizer.Count], dtype: _type, device: _torchDevice);
                _computed.Record(CudaStream.Default);
            }

            return _trainers.DeviceAllReduceAsync(
                "dense gradients", FlatParameters.AddressOf(_gradients), _optimizer.Count, _optimizer.ElementType, ReduceOperation.Sum, _computed);
        }

        if (_gradients is null)
        {
            _optimizer.ZeroGradients();
        }
        else
        {
            _copied.Wait();
            _optimizer.TakeGradients((nint)_arrived);
        }

        return _trainers.AllReduceAsync("dense gradients", _optimizer.Gradients, _optimizer.Count, _optimizer.SentType, ReduceOperation.Sum);
    }

    public void TakeRowGradients(StepPlan plan) => _copied.Wait();

    public void EndStep(double rateFactor)
    {
        if (_trainers.HasDevices)
        {
            CopyGradients();
            _copies.Synchronize();
            _optimizer.TakeGradients((nint)_arrived);
        }

        _optimizer.Step(rateFactor);
        Upload();
    }

    public void ReadScores(Tensor logits, Span<float> scores)
    {
        using Tensor single = logits.detach().to_type(ScalarType.Float32).cpu();
        single.data<float>().CopyTo(scores);
    }

    public void Dispose()
    {
        _copies.Synchronize();
        BeginStep();
        foreach (ref Tensor? rows in _rows.AsSpan())
        {
            Forget(ref rows);
        }

        Forget(ref _index);
        Forget(ref _segments);
        Forget(ref _numbers);
        _memory.Free(_arrived);
        _memory.Free((byte*)_arrivedScores);
        _sum.Dispose();
        Model.Dispose();
        _deviceWeights.Dispose();
        _hostWeights.Dispose();
        _computed.Dispose();
        _copied.Dispose();
        _copies.Dispose();
    }

    private static void Forget(ref Tensor? tensor)
    {
        tensor?.Dispose();
        tensor = null;
    }

    /// <summary>The parts of the batch as one, which leave the list.</summary>
    private static Tensor Join(List<Tensor> parts)
    {
        Tensor whole = parts.Count == 1 ? parts[0].contiguous() : cat([.. parts]);
        parts.ForEach(part => part.Dispose());
        parts.Clear();
        return whole.DetachFromDisposeScope();
    }

    private void LoadRows(StepPlan plan)
    {
        for (int role = 0; role < _rows.Length; role++)
        {
            int dimension = _layout.DimensionOf(role);
            Send(ref _rows[role], plan.CopyRows(role), plan.DistinctRows * dimension, _type);
            _rows[role] = Reshape(_rows[role]!, plan.DistinctRows, dimension);
        }

        static Tensor Reshape(Tensor rows, int count, int dimension)
        {
            using (rows)
            {
                return rows.view(count, dimension).DetachFromDisposeScope();
            }
        }
    }

    /// <summary>Sends numbers from pinned memory, which keeps them until the batch's gradients are there, to a tensor in the place of another.</summary>
    private void Send(ref Tensor? place, nint host, long count, ScalarType type)
    {
        place?.Dispose();
        place = empty([count], dtype: type, device: _torchDevice).DetachFromDisposeScope();
        if (count > 0)
        {
            CudaStream.Default.CopyToDevice(FlatParameters.AddressOf(place), host, count * place.ElementSize);
        }
    }

    private void CopyScores(int samples)
    {
        if (samples > _scoreCapacity)
        {
            _memory.Free((byte*)_arrivedScores);
            _arrivedScores = (float*)_memory.Allocate((long)samples * sizeof(float));
            _scoreCapacity = samples;
        }

        _scoreCount = samples;
        _copies.CopyToHost((nint)_arrivedScores, FlatParameters.AddressOf(_scores!), (long)samples * sizeof(float));
    }

    /// <summary>All dense gradients, [weights]; zeros where none reached a parameter.</summary>
    private Tensor CollectGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        return cat([.. _parameters.Select(parameter => (parameter.grad ?? zeros_like(parameter)).flatten())]).DetachFromDisposeScope();
    }

    private void CopyGradients() => _copies.CopyToHost((nint)_arrived, FlatParameters.AddressOf(_gradients!), _optimizer.Count * _elementBytes);

    /// <summary>Sends the host's weights, ahead of what uses them next; the rule moves them again only when this step's gradients are there.</summary>
    private void Upload()
    {
        _device.MakeCurrent();
        CudaStream.Default.CopyToDevice(_deviceWeights.Address, _hostWeights.Address, _hostWeights.Bytes);
    }
}
