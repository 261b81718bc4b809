using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>One forward pass of an embedding layer: the rows that it looked up.</summary>
public sealed class PassOfLayer : IDisposable
{
    private readonly bool _padded;

    internal PassOfLayer(Parameter rows, bool padded)
    {
        Rows = rows;
        _padded = padded;
    }

    internal Parameter Rows { get; }

    /// <summary>
    /// The gradient of the rows in the order in which the source gave them, [n, dimension], contiguous; null when no backward pass reached
    /// them. The caller disposes it.
    /// </summary>
    public Tensor? TakeGradient()
    {
        using Tensor? gradient = Rows.grad;
        if (gradient is null)
        {
            return null;
        }

        // A layer made with sparse: true leaves a sparse gradient.
        using Tensor dense = gradient.is_sparse ? gradient.to_dense() : gradient.alias();
        using Tensor rows = _padded ? dense.narrow(0, 1, dense.shape[0] - 1) : dense.alias();
        return rows.contiguous();
    }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}
