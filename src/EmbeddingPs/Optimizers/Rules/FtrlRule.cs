using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>
/// With λ₂ = l2 + β/(2lr) and g' = g + 2·shrinkage·w: a' = a + g²; z += g' − (a'^(−p) − a^(−p))/lr·w; a = a';
/// w = (clip(z, −l1, l1) − z) / (a^(−p)/lr + 2λ₂); slots: a, z.
/// </summary>
internal unsafe struct FtrlRule<T>(FtrlOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _inverseRate = T.CreateChecked(1 / options.LearningRate);
    private readonly T _power = T.CreateChecked(-options.LearningRatePower);
    private readonly bool _squareRoot = options.LearningRatePower == -0.5;
    private readonly T _initial = T.CreateChecked(options.InitialAccumulatorValue);
    private readonly T _l1 = T.CreateChecked(options.L1);

    private T _twiceL2 = TwiceL2(options, options.LearningRate);
    private readonly T _twiceShrinkage = T.CreateChecked(2 * options.L2Shrinkage);

    public readonly int Slots => 2;

    public readonly string[] SlotNames => ["accumulator", "linear"];

    public readonly bool CountsSteps => false;

    public double LearningRate
    {
        set
        {
            _inverseRate = T.CreateChecked(1 / value);
            _twiceL2 = TwiceL2(options, value);
        }
    }

    public readonly T InitialValue(int slot) => slot == 0 ? _initial : T.Zero;

    public readonly void BeginRow(int step)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        var inverseRate = TLane.Of(_inverseRate);
        var g = TLane.Load(gradient);
        var w = TLane.Load(weights);
        var before = TLane.Load(slots);
        var squares = before + g * g;
        squares.Store(slots);
        var power = Power<TLane>(squares) * inverseRate;
        var shrunk = g + TLane.Of(_twiceShrinkage) * w;
        var z = TLane.Load(slots + dimension) + (shrunk - (power - Power<TLane>(before) * inverseRate) * w);
        z.Store(slots + dimension);
        var l1 = TLane.Of(_l1);
        var clipped = TLane.Max(TLane.Min(z, l1), TLane.Of(-_l1));
        ((clipped - z) / (power + TLane.Of(_twiceL2))).Store(weights);
    }

    // Never quite 0, so that a weight without any gradient or penalty is 0 and not 0/0.
    private static T TwiceL2(FtrlOptions options, double learningRate) => T.Max(T.CreateChecked(2 * options.L2 + options.Beta / learningRate), T.Epsilon);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly TLane Power<TLane>(TLane squares)
        where TLane : struct, ILane<TLane, T>
    {
        return _squareRoot ? TLane.Sqrt(squares) : TLane.Pow(squares, _power);
    }
}
