using System.Numerics;
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
/// Everything that the GPU computes is on libtorch's stream; gradients leave on one of their own, and NCCL has another. All host buffers are pinned.
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
    private readonly Embedding _lookup;
    private readonly CudaStream _copies = CudaStream.Create();
    private readonly CudaEvent _computed = new();
    private readonly CudaEvent _copied = new();
    private readonly CudaEvent _loaded = new();

    // The distinct rows of the batch, one tensor for each role: [distinct rows, dimension]; those of a role are its samples' in the part's order.
    private readonly Parameter?[] _rows;
    private readonly Tensor?[] _samples;
    private Tensor? _index;
    private Tensor? _gradients;

    // The dense gradients as they come from the GPU, in the parameters' own type.
    private readonly byte* _arrived;
    private byte* _inputs;
    private long _inputBytes;

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
        _lookup = nn.Embedding(1, 1).to(_torchDevice);
        _rows = new Parameter?[layout.Sections[0].Length];
        _samples = new Tensor?[_rows.Length];
        Dense = Labels = null!;
        Upload();
    }

    public CtrModel Model { get; }

    public Tensor Dense { get; private set; }

    public Tensor Labels { get; private set; }

    public Tensor? Linear => _layout.LinearRole is { } role ? _samples[role]!.squeeze(-1) : null;

    public Tensor? Embeddings => _layout.EmbeddingRole is { } role ? _samples[role] : null;

    public void BeginStep()
    {
        _gradients?.Dispose();
        _gradients = null;
        foreach (Parameter parameter in _parameters)
        {
            parameter.grad = null;
        }
    }

    public void Load(StepPlan plan, int first, int rows)
    {
        if (first == 0)
        {
            LoadRows(plan);
        }

        if (_type == ScalarType.Float64)
        {
            LoadColumns<double>(plan, first, rows);
        }
        else
        {
            LoadColumns<float>(plan, first, rows);
        }

        _index?.Dispose();
        SparseSlots slots = _layout.Slots;
        _index = empty([rows, slots.Count], dtype: ScalarType.Int32, device: _torchDevice).DetachFromDisposeScope();
        CudaStream.Default.CopyToDevice(FlatParameters.AddressOf(_index), plan.IndexFrom(first), (long)rows * slots.Count * sizeof(int));
        for (int role = 0; role < _rows.Length; role++)
        {
            _lookup.weight = _rows[role]!;
            _samples[role] = slots.IsMultiHot ? SlotPooling.Pool(_lookup.forward(_index.clamp_min(0)), _index, slots) : _lookup.forward(_index);
        }
    }

    public void PartEnds(StepPlan plan, bool isLast)
    {
        if (!isLast)
        {
            return;
        }

        _gradients = CollectGradients();
        _computed.Record(CudaStream.Default);
        _copies.WaitFor(_computed);
        if (!_trainers.HasDevices)
        {
            CopyGradients();
        }

        for (int role = 0; role < _rows.Length; role++)
        {
            using Tensor gradient = _rows[role]!.grad!;
            _copies.CopyToHost(plan.GradientsOf(role), FlatParameters.AddressOf(gradient), gradient.NumberOfElements * _elementBytes);
        }

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
        _memory.Free(_arrived);
        _memory.Free(_inputs);
        foreach (Parameter? rows in _rows)
        {
            rows?.Dispose();
        }

        Dense?.Dispose();
        Labels?.Dispose();
        _index?.Dispose();
        _gradients?.Dispose();
        _lookup.Dispose();
        Model.Dispose();
        _deviceWeights.Dispose();
        _hostWeights.Dispose();
        _computed.Dispose();
        _copied.Dispose();
        _loaded.Dispose();
        _copies.Dispose();
    }

    private void LoadRows(StepPlan plan)
    {
        for (int role = 0; role < _rows.Length; role++)
        {
            _rows[role]?.Dispose();
            int dimension = _layout.DimensionOf(role);
            Tensor rows = empty([plan.DistinctRows, dimension], dtype: _type, device: _torchDevice);
            CudaStream.Default.CopyToDevice(FlatParameters.AddressOf(rows), plan.CopyRows(role), rows.NumberOfElements * _elementBytes);
            var parameter = new Parameter(rows);
            parameter.DetachFromDisposeScope();
            _rows[role] = parameter;
        }
    }

    /// <summary>Sends dense columns and labels, through one pinned buffer that the copy before has left.</summary>
    private void LoadColumns<T>(StepPlan plan, int first, int rows)
        where T : unmanaged, INumber<T>
    {
        int numbers = rows * _denseColumns;
        if (Labels is null || Labels.shape[0] != rows)
        {
            Dense?.Dispose();
            Labels?.Dispose();
            Dense = empty([rows, _denseColumns], dtype: _type, device: _torchDevice).DetachFromDisposeScope();
            Labels = empty([rows], dtype: _type, device: _torchDevice).DetachFromDisposeScope();
        }

        _loaded.Wait();
        long bytes = (long)(numbers + rows) * _elementBytes;
        if (bytes > _inputBytes)
        {
            _memory.Free(_inputs);
            _inputs = _memory.Allocate(bytes);
            _inputBytes = bytes;
        }

        T* inputs = (T*)_inputs;
        plan.Batch.CopyDense(first, new Span<T>(inputs, numbers));
        plan.Batch.CopyLabels(first, new Span<T>(inputs + numbers, rows));
        if (numbers > 0)
        {
            CudaStream.Default.CopyToDevice(FlatParameters.AddressOf(Dense), (nint)inputs, (long)numbers * _elementBytes);
        }

        CudaStream.Default.CopyToDevice(FlatParameters.AddressOf(Labels), (nint)(inputs + numbers), (long)rows * _elementBytes);
        _loaded.Record(CudaStream.Default);
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
