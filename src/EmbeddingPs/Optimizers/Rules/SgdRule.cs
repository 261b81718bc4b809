using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>w −= lr·g; no slots.</summary>
internal readonly unsafe struct SgdRule<T>(SgdOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _learningRate = T.CreateChecked(options.LearningRate);

    public int Slots => 0;

    public string[] SlotNames => [];

    public bool CountsSteps => false;

    public T InitialValue(int slot) => T.Zero;

    public void BeginRow(int step)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        (TLane.Load(weights) - TLane.Of(_learningRate) * TLane.Load(gradient)).Store(weights);
    }
}
