using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>a = ρa + (1−ρ)g²; u = g·√(d+ε)/√(a+ε); d = ρd + (1−ρ)u²; w −= lr·u; slots: a, d.</summary>
internal unsafe struct AdadeltaRule<T>(AdadeltaOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _learningRate = T.CreateChecked(options.LearningRate);
    private readonly T _rho = T.CreateChecked(options.Rho);
    private readonly T _rest = T.CreateChecked(1 - options.Rho);
    private readonly T _epsilon = T.CreateChecked(options.Epsilon);

    public readonly int Slots => 2;

    public readonly string[] SlotNames => ["accumulator", "delta"];

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
        var epsilon = TLane.Of(_epsilon);
        var g = TLane.Load(gradient);
        var squares = rho * TLane.Load(slots) + rest * (g * g);
        squares.Store(slots);
        var delta = TLane.Load(slots + dimension);
        var update = g * TLane.Sqrt(delta + epsilon) / TLane.Sqrt(squares + epsilon);
        (rho * delta + rest * (update * update)).Store(slots + dimension);
        (TLane.Load(weights) - TLane.Of(_learningRate) * update).Store(weights);
    }
}
