using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε); slots: m, v, and with AMSGrad the largest v.</summary>
internal unsafe struct AdamRule<T>(AdamOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _beta1 = T.CreateChecked(options.Beta1);
    private readonly T _rest1 = T.CreateChecked(1 - options.Beta1);
    private readonly T _beta2 = T.CreateChecked(options.Beta2);
    private readonly T _rest2 = T.CreateChecked(1 - options.Beta2);
    private readonly T _epsilon = T.CreateChecked(options.Epsilon);
    private readonly bool _amsgrad = options.Amsgrad;
    private readonly StepTable<double> _rates = new(step =>
    {
        double rest1 = 1 - Math.Pow(options.Beta1, step);
        double rest2 = 1 - Math.Pow(options.Beta2, step);
        return (Math.Sqrt(rest2) / rest1, rest1 == 1 && rest2 == 1);
    });

    private double _learningRate = options.LearningRate;

    private T _rate;

    public readonly int Slots => _amsgrad ? 3 : 2;

    public readonly string[] SlotNames => _amsgrad ? ["m", "v", "v_max"] : ["m", "v"];

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
        var v = TLane.Of(_beta2) * TLane.Load(slots + dimension) + TLane.Of(_rest2) * (g * g);
        v.Store(slots + dimension);
        if (_amsgrad)
        {
            v = TLane.Max(TLane.Load(slots + 2 * dimension), v);
            v.Store(slots + 2 * dimension);
        }

        (TLane.Load(weights) - TLane.Of(_rate) * m / (TLane.Sqrt(v) + TLane.Of(_epsilon))).Store(weights);
    }
}
