using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Data;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The inputs of the model for batches of one size; kept from step to step, so that torch allocates them once.</summary>
internal sealed class BatchTensors : IDisposable
{
    private readonly TableLayout _layout;
    private readonly int _denseColumns;
    private readonly ScalarType _type;
    private int _rows = -1;
    private int _first;

    public BatchTensors(TableLayout layout, int denseColumns, ScalarType type)
    {
        _layout = layout;
        _denseColumns = denseColumns;
        _type = type;
        Roles = new Tensor[layout.Sections[0].Length];
        Dense = Labels = null!;
    }

    /// <summary>The pulled weights by sample, one tensor for each role: [rows, columns, dimension].</summary>
    public Tensor[] Roles { get; }

    /// <summary>The dense columns, [rows, columns].</summary>
    public Tensor Dense { get; private set; }

    /// <summary>The labels, [rows].</summary>
    public Tensor Labels { get; private set; }

    /// <summary>The linear weights as the model takes them, [rows, columns]; null where it has none.</summary>
    public Tensor? Linear => _layout.LinearRole is { } role ? Roles[role].squeeze(-1) : null;

    /// <summary>The embeddings as the model takes them, [rows, columns, dimension]; null where it has none.</summary>
    public Tensor? Embeddings => _layout.EmbeddingRole is { } role ? Roles[role] : null;

    /// <summary>Fills the tensors with a part of the batch of a plan whose rows have been pulled; the first part comes first.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="first">The first sample of the part.</param>
    /// <param name="rows">Samples of the part.</param>
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

    /// <summary>Adds up the gradients of the part into the plan.</summary>
    public void ReduceGradients(StepPlan plan)
    {
        if (_type == ScalarType.Float64)
        {
            ReduceGradients<double>(plan);
        }
        else
        {
            ReduceGradients<float>(plan);
        }
    }

    public void Dispose()
    {
        foreach (Tensor? role in Roles)
        {
            role?.Dispose();
        }

        Dense?.Dispose();
        Labels?.Dispose();
    }

    private static Span<T> Elements<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    private static void Convert<T>(ReadOnlySpan<float> source, Span<T> target)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < source.Length; i++)
        {
            target[i] = T.CreateTruncating(source[i]);
        }
    }

    private void Resize(int rows)
    {
        if (rows == _rows)
        {
            return;
        }

        Dispose();
        _rows = rows;
        for (int role = 0; role < Roles.Length; role++)
        {
            int dimension = _layout.Tables[_layout.Sections[0][role]].Dimension;
            Roles[role] = empty([rows, _layout.Columns, dimension], dtype: _type, requires_grad: true).DetachFromDisposeScope();
        }

        Dense = empty([rows, _denseColumns], dtype: _type).DetachFromDisposeScope();
        Labels = empty([rows], dtype: _type).DetachFromDisposeScope();
    }

    private void Load<T>(StepPlan plan)
        where T : unmanaged, INumber<T>
    {
        Batch batch = plan.Batch;
        for (int role = 0; role < Roles.Length; role++)
        {
            plan.CopyRows(role, _first, Elements<T>(Roles[role]));

            // Torch keeps the first gradient that comes as it is; it would add it to zeros.
            Roles[role].grad = null;
        }

        Convert(batch.Dense.AsSpan(_first * _denseColumns, _rows * _denseColumns), Elements<T>(Dense));
        Convert(batch.Labels.AsSpan(_first, _rows), Elements<T>(Labels));
    }

    private void ReduceGradients<T>(StepPlan plan)
        where T : unmanaged, INumber<T>
    {
        for (int role = 0; role < Roles.Length; role++)
        {
            using Tensor gradient = Roles[role].grad!;
            using Tensor samples = gradient.contiguous();
            plan.ReduceGradients<T>(role, _first, Elements<T>(samples));
        }
    }
}
