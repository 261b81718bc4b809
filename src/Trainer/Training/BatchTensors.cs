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

    /// <summary>The linear weights as the model takes them, [rows, columns].</summary>
    public Tensor Linear => Roles[0].squeeze(-1);

    /// <summary>The embeddings as the model takes them, [rows, columns, dimension]; the linear weights again where the model has none.</summary>
    public Tensor Embeddings => Roles[^1];

    /// <summary>Fills the tensors from a plan whose rows have been pulled.</summary>
    public void Load(StepPlan plan)
    {
        Resize(plan.Batch.Rows);
        if (_type == ScalarType.Float64)
        {
            Load<double>(plan);
        }
        else
        {
            Load<float>(plan);
        }
    }

    /// <summary>Adds up the gradients of the roles into the plan.</summary>
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
            plan.CopyRows(role, Elements<T>(Roles[role]));

            // Torch keeps the first gradient that comes as it is; it would add it to zeros.
            Roles[role].grad = null;
        }

        Convert(batch.Dense.AsSpan(0, batch.Rows * _denseColumns), Elements<T>(Dense));
        Convert(batch.Labels.AsSpan(0, batch.Rows), Elements<T>(Labels));
    }

    private void ReduceGradients<T>(StepPlan plan)
        where T : unmanaged, INumber<T>
    {
        for (int role = 0; role < Roles.Length; role++)
        {
            using Tensor gradient = Roles[role].grad!;
            using Tensor samples = gradient.contiguous();
            plan.ReduceGradients<T>(role, Elements<T>(samples));
        }
    }
}
