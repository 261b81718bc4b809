using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>w −= lr·g; no slots.</summary>
internal unsafe struct SgdRule<T>(SgdOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _learningRate = T.CreateChecked(options.LearningRate);

    public readonly int Slots => 0;

    public readonly string[] SlotNames => [];

    public readonly bool CountsSteps => false;

    public double LearningRate
    {
        set => _learningRate = T.CreateChecked(value);
    }

    public readonly T InitialValue(int slot) => T.Zero;

    public readonly void BeginRow(int step)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        (TLane.Load(weights) - TLane.Of(_learningRate) * TLane.Load(gradient)).Store(weights);
    }
}
