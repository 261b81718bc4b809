using System.Diagnostics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers.Rules;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>An update rule at work on rows of weights and slots in native memory; a dense parameter is one long row.</summary>
/// <remarks>Formulas and slots: <c>docs/optimizers.md</c>. Thread-safe for different rows.</remarks>
public abstract class RowOptimizer
{
    /// <summary>The name of the count of updates in files, beside <see cref="SlotNames"/>.</summary>
    public const string StepsName = "steps";

    private protected RowOptimizer()
    {
    }

    /// <summary>What multiplies the learning rate from now on, above 0; 1 at first.</summary>
    public abstract double RateFactor { set; }

    /// <summary>Makes the rule for <see cref="ElementType.Float32"/> or <see cref="ElementType.Float64"/>; an option out of its range is an error.</summary>
    public static RowOptimizer Create(OptimizerOptions options, ElementType elementType)
    {
        OptimizerRanges.Check(options);
        if (elementType is not (ElementType.Float32 or ElementType.Float64))
        {
            throw new OpenEmbeddingException(
                $"An optimizer works on Float32 or Float64 elements, not {elementType}.", JobExitCode.Configuration);
        }

        bool single = elementType == ElementType.Float32;
        return options switch
        {
            SgdOptions { Momentum: 0 } o => single ? With<float, SgdRule<float>>(o, new(o)) : With<double, SgdRule<double>>(o, new(o)),
            SgdOptions o => single ? With<float, MomentumRule<float>>(o, new(o)) : With<double, MomentumRule<double>>(o, new(o)),
            AdagradOptions o => single ? With<float, AdagradRule<float>>(o, new(o)) : With<double, AdagradRule<double>>(o, new(o)),
            AdadeltaOptions o => single ? With<float, AdadeltaRule<float>>(o, new(o)) : With<double, AdadeltaRule<double>>(o, new(o)),
            AdamOptions o => single ? With<float, AdamRule<float>>(o, new(o)) : With<double, AdamRule<double>>(o, new(o)),
            AdamaxOptions o => single ? With<float, AdamaxRule<float>>(o, new(o)) : With<double, AdamaxRule<double>>(o, new(o)),
            NadamOptions o => single ? With<float, NadamRule<float>>(o, new(o)) : With<double, NadamRule<double>>(o, new(o)),
            RmspropOptions o => single ? With<float, RmspropRule<float>>(o, new(o)) : With<double, RmspropRule<double>>(o, new(o)),
            FtrlOptions o => single ? With<float, FtrlRule<float>>(o, new(o)) : With<double, FtrlRule<double>>(o, new(o)),
            _ => throw new UnreachableException($"No rule for {options.GetType().Name}."),
        };
    }

    /// <summary>The names of the slots, in the order in which they follow the weights.</summary>
    public abstract IReadOnlyList<string> SlotNames { get; }

    /// <summary>Whether a count of updates follows the slots, in the place of an element.</summary>
    public abstract bool CountsSteps { get; }

    /// <summary>Bytes of state for a row of <paramref name="dimension"/> weights.</summary>
    public abstract long SlotBytes(long dimension);

    /// <summary>Writes the state of a row that was never updated.</summary>
    /// <param name="slots"><see cref="SlotBytes"/> bytes, aligned to the element size.</param>
    /// <param name="dimension">Weights of the row.</param>
    public abstract void InitializeSlots(nint slots, long dimension);

    /// <summary>Does one step: moves <paramref name="weights"/> [dimension] and <paramref name="slots"/> by <paramref name="gradient"/> [dimension].</summary>
    public abstract void Update(nint weights, nint slots, nint gradient, long dimension);

    /// <summary>Does one step for each of many rows, whose slots follow their weights.</summary>
    /// <param name="rows">Addresses of weights, [rows].</param>
    /// <param name="gradients">Addresses of gradients, [rows].</param>
    /// <param name="dimension">Weights per row.</param>
    /// <param name="shaping">What each gradient goes through first.</param>
    internal abstract void UpdateRows(ReadOnlySpan<nint> rows, ReadOnlySpan<nint> gradients, int dimension, GradientShaping shaping);

    private static RowKernel<T, TRule> With<T, TRule>(OptimizerOptions options, TRule rule)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        where TRule : struct, IUpdateRule<T>
    {
        return new RowKernel<T, TRule>(rule, options.LearningRate);
    }
}
