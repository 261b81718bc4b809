using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers.Rules;

/// <summary>a += g²; w −= lr·g / (√a + ε); slot: a.</summary>
internal unsafe struct AdagradRule<T>(AdagradOptions options) : IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T _learningRate = T.CreateChecked(options.LearningRate);

    // Never quite 0, so that a gradient of 0 on an empty accumulator does not move the weight instead of giving 0/0.
    private readonly T _epsilon = T.Max(T.CreateChecked(options.Epsilon), T.Epsilon);
    private readonly T _initial = T.CreateChecked(options.InitialAccumulatorValue);

    public readonly int Slots => 1;

    public readonly string[] SlotNames => ["accumulator"];

    public readonly bool CountsSteps => false;

    public double LearningRate
    {
        set => _learningRate = T.CreateChecked(value);
    }

    public readonly T InitialValue(int slot) => _initial;

    public readonly void BeginRow(int step)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>
    {
        var g = TLane.Load(gradient);
        var squares = TLane.Load(slots) + g * g;
        squares.Store(slots);
        (TLane.Load(weights) - TLane.Of(_learningRate) * g / (TLane.Sqrt(squares) + TLane.Of(_epsilon))).Store(weights);
    }
}
