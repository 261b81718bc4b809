using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>
/// Adam's moments with μₜ = β₁(1 − ½·0.96^(decay·t)) and Πₜ = μ₁·…·μₜ:
/// w −= lr·((1−μₜ)·g/(1−Πₜ) + μₜ₊₁·m/(1−Πₜ₊₁)) / (√(v/(1−β₂ᵗ)) + ε); slots: m, v.
/// </summary>
/// <remarks>The product depends on the step count alone, so the row keeps only the count.</remarks>
internal unsafe struct NadamRule<T> : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _beta1;
    private readonly T _rest1;
    private readonly T _beta2;
    private readonly T _rest2;
    private readonly T _epsilon;
    private readonly StepTable<Coefficients> _coefficients;
    private double _learningRate;
    private T _ofGradient;
    private T _ofMoment;
    private T _ofSquares;

    public NadamRule(NadamOptions options)
    {
        _beta1 = T.CreateChecked(options.Beta1);
        _rest1 = T.CreateChecked(1 - options.Beta1);
        _beta2 = T.CreateChecked(options.Beta2);
        _rest2 = T.CreateChecked(1 - options.Beta2);
        _epsilon = T.CreateChecked(options.Epsilon);
        _learningRate = options.LearningRate;

        double Momentum(double step) => options.Beta1 * (1 - 0.5 * Math.Pow(0.96, options.ScheduleDecay * step));
        double last = options.ScheduleDecay > 0 ? options.Beta1 : options.Beta1 / 2;
        double product = 1;
        _coefficients = new StepTable<Coefficients>(step =>
        {
            double now = Momentum(step);
            double next = Momentum(step + 1.0);
            double rest2 = 1 - Math.Pow(options.Beta2, step);
            product *= now;
            var coefficients = new Coefficients(
                (1 - now) / (1 - product),
                next / (1 - product * next),
                1 / rest2);
            return (coefficients, now == last && 1 - product == 1 && rest2 == 1);
        });
    }

    public readonly int Slots => 2;

    public readonly string[] SlotNames => ["m", "v"];

    public readonly bool CountsSteps => true;

    public double LearningRate
    {
        set => _learningRate = value;
    }

    public readonly T InitialValue(int slot) => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginRow(int step)
    {
        var coefficients = _coefficients[step];
        _ofGradient = T.CreateTruncating(_learningRate * coefficients.OfGradient);
        _ofMoment = T.CreateTruncating(_learningRate * coefficients.OfMoment);
        _ofSquares = T.CreateTruncating(coefficients.OfSquares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        var g = TLane.Load(gradient);
        var m = TLane.Of(_beta1) * TLane.Load(slots) + TLane.Of(_rest1) * g;
        m.Store(slots);
        var v = TLane.Of(_beta2) * TLane.Load(slots + dimension) + TLane.Of(_rest2) * (g * g);
        v.Store(slots + dimension);
        var move = TLane.Of(_ofGradient) * g + TLane.Of(_ofMoment) * m;
        (TLane.Load(weights) - move / (TLane.Sqrt(v * TLane.Of(_ofSquares)) + TLane.Of(_epsilon))).Store(weights);
    }

    private readonly record struct Coefficients(double OfGradient, double OfMoment, double OfSquares);
}
