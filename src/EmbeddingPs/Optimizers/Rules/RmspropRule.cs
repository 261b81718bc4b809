using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>
/// s = ρs + (1−ρ)g²; centered: c = ρc + (1−ρ)g and s − c² in place of s; q = μq + lr·g/√(s+ε); w −= q;
/// slots: s, with momentum q, centered c.
/// </summary>
internal unsafe struct RmspropRule<T>(RmspropOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _learningRate = T.CreateChecked(options.LearningRate);
    private readonly T _rho = T.CreateChecked(options.Rho);
    private readonly T _rest = T.CreateChecked(1 - options.Rho);
    private readonly T _momentum = T.CreateChecked(options.Momentum);
    private readonly T _epsilon = T.CreateChecked(options.Epsilon);
    private readonly bool _hasMomentum = options.Momentum > 0;
    private readonly bool _centered = options.Centered;

    public readonly int Slots => 1 + (_hasMomentum ? 1 : 0) + (_centered ? 1 : 0);

    public readonly string[] SlotNames => [
        "mean_square",
        .. _hasMomentum ? ["momentum"] : Array.Empty<string>(),
        .. _centered ? ["mean_gradient"] : Array.Empty<string>(),
    ];

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
        var rho = TLane.Of(_rho);
        var rest = TLane.Of(_rest);
        var g = TLane.Load(gradient);
        var squares = rho * TLane.Load(slots) + rest * (g * g);
        squares.Store(slots);
        T* next = slots + dimension;
        T* momentSlot = next;
        if (_hasMomentum)
        {
            next += dimension;
        }

        if (_centered)
        {
            var mean = rho * TLane.Load(next) + rest * g;
            mean.Store(next);

            // A variance is never negative, its rounded difference may be.
            squares = TLane.Max(squares - mean * mean, TLane.Of(T.Zero));
        }

        var move = TLane.Of(_learningRate) * g / TLane.Sqrt(squares + TLane.Of(_epsilon));
        if (_hasMomentum)
        {
            move = TLane.Of(_momentum) * TLane.Load(momentSlot) + move;
            move.Store(momentSlot);
        }

        (TLane.Load(weights) - move).Store(weights);
    }
}
