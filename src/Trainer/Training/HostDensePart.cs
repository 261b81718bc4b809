using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The dense part on the processor; the inputs are kept from step to step, so that torch allocates them once for batches of one size.</summary>
internal sealed class HostDensePart : IDensePart
{
    private readonly DenseOptimizer _optimizer;
    private readonly ProcessSet _trainers;
    private readonly TableLayout _layout;
    private readonly int _denseColumns;
    private readonly ScalarType _type;

    // The pulled weights by sample, one tensor for each role: [rows, columns, dimension].
    private readonly Tensor[] _roles;
    private int _rows = -1;
    private int _first;
    private float[] _scores = [];
    private int _scoreCount;

    public HostDensePart(CtrModel model, DenseOptimizer optimizer, ProcessSet trainers, TableLayout layout, int denseColumns)
    {
        Model = model;
        _optimizer = optimizer;
        _trainers = trainers;
        _layout = layout;
        _denseColumns = denseColumns;
        _type = optimizer.ElementType == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        _roles = new Tensor[layout.Sections[0].Length];
        Dense = Labels = null!;
    }

    public CtrModel Model { get; }

    public Tensor Dense { get; private set; }

    public Tensor Labels { get; private set; }

    public Tensor? Linear => _layout.LinearRole is { } role ? _roles[role].squeeze(-1) : null;

    public Tensor? Embeddings => _layout.EmbeddingRole is { } role ? _roles[role] : null;

    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, _scoreCount);

    public void BeginStep() => _optimizer.ZeroGradients();

    public void Prepare(StepPlan plan)
    {
        _scoreCount = plan.Batch.Rows;
        if (_scores.Length < _scoreCount)
        {
            _scores = new float[_scoreCount];
        }
    }

    public void Load(StepPlan plan, int first, int rows)
    {
        Resize(rows);
        _first = first;
        if (_type == ScalarType.Float64)
        {
            Load<double>(plan);
        }
        else
        {
            Load<float>(plan);
        }
    }

    public void PartEnds(StepPlan plan, Tensor logits, bool isLast)
    {
        ReadScores(logits, _scores.AsSpan(_first, _rows));

        // Those of the last part are added up while the dense ones travel.
        if (isLast)
        {
            _optimizer.CollectGradients();
        }
        else
        {
            TakeRowGradients(plan);
        }
    }

    public Pending BeginSum() =>
        _trainers.AllReduceAsync("dense gradients", _optimizer.Gradients, _optimizer.Count, _optimizer.SentType, ReduceOperation.Sum);

    public void TakeRowGradients(StepPlan plan)
    {
        if (_type == ScalarType.Float64)
        {
            TakeRowGradients<double>(plan);
        }
        else
        {
            TakeRowGradients<float>(plan);
        }
    }

    public void EndStep(double rateFactor) => _optimizer.Step(rateFactor);

    public void ReadScores(Tensor logits, Span<float> scores)
    {
        using Tensor single = logits.detach().to_type(ScalarType.Float32);
        MemoryMarshal.Cast<byte, float>(single.bytes).CopyTo(scores);
    }

    public void Dispose()
    {
        foreach (Tensor? role in _roles)
        {
            role?.Dispose();
        }

        Dense?.Dispose();
        Labels?.Dispose();
    }

    private static Span<T> Elements<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    private void Resize(int rows)
    {
        if (rows == _rows)
        {
            return;
        }

        Dispose();
        _rows = rows;
        for (int role = 0; role < _roles.Length; role++)
        {
            int dimension = _layout.DimensionOf(role);
            _roles[role] = empty([rows, _layout.Columns, dimension], dtype: _type, requires_grad: true).DetachFromDisposeScope();
        }

        Dense = empty([rows, _denseColumns], dtype: _type).DetachFromDisposeScope();
        Labels = empty([rows], dtype: _type).DetachFromDisposeScope();
    }

    private void Load<T>(StepPlan plan)
        where T : unmanaged, INumber<T>
    {
        Batch batch = plan.Batch;
        for (int role = 0; role < _roles.Length; role++)
        {
            plan.CopyRows(role, _first, Elements<T>(_roles[role]));

            // Torch keeps the first gradient that comes as it is; it would add it to zeros.
            _roles[role].grad = null;
        }

        batch.CopyDense(_first, Elements<T>(Dense));
        batch.CopyLabels(_first, Elements<T>(Labels));
    }

    private void TakeRowGradients<T>(StepPlan plan)
        where T : unmanaged, INumber<T>
    {
        for (int role = 0; role < _roles.Length; role++)
        {
            using Tensor gradient = _roles[role].grad!;
            using Tensor samples = gradient.contiguous();
            plan.ReduceGradients<T>(role, _first, Elements<T>(samples));
        }
    }
}
