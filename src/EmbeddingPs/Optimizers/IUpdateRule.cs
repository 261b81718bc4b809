using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>The arithmetic of one optimizer; implemented by structs, so that the JIT compiles one loop for each pair of rule and element type.</summary>
internal unsafe interface IUpdateRule<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Arrays of state, each as long as the row.</summary>
    int Slots { get; }

    /// <summary>What each slot is called in files; the words of <c>docs/optimizers.md</c>.</summary>
    string[] SlotNames { get; }

    /// <summary>Whether the row also keeps the number of its updates.</summary>
    bool CountsSteps { get; }

    /// <summary>The step size from now on, above 0.</summary>
    double LearningRate { set; }

    /// <summary>What every element of a slot is at first.</summary>
    T InitialValue(int slot);

    /// <summary>Takes up the coefficients of a row's update number <paramref name="step"/>, 1 for the first; only called when <see cref="CountsSteps"/>.</summary>
    void BeginRow(int step);

    /// <summary>Updates as many elements as one lane has; slot k is at <paramref name="slots"/> + k · <paramref name="dimension"/>.</summary>
    void Update<TLane>(T* weights, T* slots, T* gradient, long dimension)
        where TLane : struct, ILane<TLane, T>;
}
