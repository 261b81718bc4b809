using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>m = μm + lr·g; w −= m, or with Nesterov's look-ahead w −= μm + lr·g; slot: m.</summary>
internal unsafe struct MomentumRule<T>(SgdOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _learningRate = T.CreateChecked(options.LearningRate);
    private readonly T _momentum = T.CreateChecked(options.Momentum);
    private readonly bool _nesterov = options.Nesterov;

    public readonly int Slots => 1;

    public readonly string[] SlotNames => ["momentum"];

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
        var momentum = TLane.Of(_momentum);
        var step = TLane.Of(_learningRate) * TLane.Load(gradient);
        var moment = momentum * TLane.Load(slots) + step;
        moment.Store(slots);
        (TLane.Load(weights) - (_nesterov ? momentum * moment + step : moment)).Store(weights);
    }
}
