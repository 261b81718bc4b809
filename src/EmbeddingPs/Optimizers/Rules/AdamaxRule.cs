using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>m = β₁m + (1−β₁)g; u = max(β₂u, |g|); w −= lr/(1−β₁ᵗ) · m / (u + ε); slots: m, u.</summary>
internal unsafe struct AdamaxRule<T>(AdamaxOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _beta1 = T.CreateChecked(options.Beta1);
    private readonly T _rest1 = T.CreateChecked(1 - options.Beta1);
    private readonly T _beta2 = T.CreateChecked(options.Beta2);
    private readonly T _epsilon = T.CreateChecked(options.Epsilon);
    private readonly StepTable<double> _rates = new(step =>
    {
        double rest1 = 1 - Math.Pow(options.Beta1, step);
        return (1 / rest1, rest1 == 1);
    });

    private double _learningRate = options.LearningRate;

    private T _rate;

    public readonly int Slots => 2;

    public readonly string[] SlotNames => ["m", "u"];

    public readonly bool CountsSteps => true;

    public double LearningRate
    {
        set => _learningRate = value;
    }

    public readonly T InitialValue(int slot) => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginRow(int step) => _rate = T.CreateTruncating(_learningRate * _rates[step]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        var g = TLane.Load(gradient);
        var m = TLane.Of(_beta1) * TLane.Load(slots) + TLane.Of(_rest1) * g;
        m.Store(slots);
        var norm = TLane.Max(TLane.Of(_beta2) * TLane.Load(slots + dimension), TLane.Abs(g));
        norm.Store(slots + dimension);
        (TLane.Load(weights) - TLane.Of(_rate) * m / (norm + TLane.Of(_epsilon))).Store(weights);
    }
}
