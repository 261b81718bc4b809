using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

/// <summary>One row under an optimizer, with guards behind its native memory.</summary>
internal sealed class RowOfWeights<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Guards = 8;

    private readonly RowOptimizer _optimizer;
    private readonly int _dimension;
    private readonly NativeArray<T> _weights;
    private readonly NativeArray<byte> _slots;
    private readonly NativeArray<T> _gradient;

    public RowOfWeights(OptimizerOptions options, ReadOnlySpan<T> initial)
    {
        _optimizer = RowOptimizer.Create(options, typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64);
        _dimension = initial.Length;
        _weights = new NativeArray<T>(_dimension + Guards);
        _slots = new NativeArray<byte>((int)_optimizer.SlotBytes(_dimension) + Guards);
        _gradient = new NativeArray<T>(_dimension);
        initial.CopyTo(_weights.Span);
        _weights.Span[_dimension..].Fill(T.One);
        _slots.Span.Fill(0xA5);
        _optimizer.InitializeSlots(_slots.Address, _dimension);
    }

    public T[] Weights => _weights.Span[.._dimension].ToArray();

    public double RateFactor
    {
        set => _optimizer.RateFactor = value;
    }

    public void Step(ReadOnlySpan<T> gradient)
    {
        gradient.CopyTo(_gradient.Span);
        _optimizer.Update(_weights.Address, _slots.Address, _gradient.Address, _dimension);
        Assert.True(_gradient.Span.SequenceEqual(gradient));
        Assert.Equal(-1, _weights.Span[_dimension..].IndexOfAnyExcept(T.One));
        Assert.Equal(-1, _slots.Span[^Guards..].IndexOfAnyExcept((byte)0xA5));
    }

    public void Dispose()
    {
        _weights.Dispose();
        _slots.Dispose();
        _gradient.Dispose();
    }
}
