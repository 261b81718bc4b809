using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>The loop over rows and elements for one rule and one element type; the JIT compiles each pair by itself.</summary>
/// <remarks>State of a row: the rule's slots, [slots, dimension], then for rules that count steps one int in the place of an element.</remarks>
internal sealed unsafe class RowKernel<T, TRule>(TRule rule, double learningRate) : RowOptimizer
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TRule : struct, IUpdateRule<T>
{
    private TRule _rule = rule;

    public override double RateFactor
    {
        set => _rule.LearningRate = learningRate * value;
    }

    public override IReadOnlyList<string> SlotNames => _rule.SlotNames;

    public override bool CountsSteps => _rule.CountsSteps;

    public override long SlotBytes(long dimension)
    {
        return (_rule.Slots * dimension + (_rule.CountsSteps ? 1 : 0)) * sizeof(T);
    }

    public override void InitializeSlots(nint slots, long dimension)
    {
        // Native memory of SlotBytes(dimension) bytes, as the caller promises.
        T* next = (T*)slots;
        for (int slot = 0; slot < _rule.Slots; slot++)
        {
            T value = _rule.InitialValue(slot);
            for (long i = 0; i < dimension; i++)
            {
                *next++ = value;
            }
        }

        if (_rule.CountsSteps)
        {
            *next = T.Zero;
        }
    }

    public override void Update(nint weights, nint slots, nint gradient, long dimension)
    {
        var rule = _rule;
        UpdateRow(ref rule, (T*)weights, (T*)slots, (T*)gradient, dimension);
    }

    internal override void UpdateRows(ReadOnlySpan<nint> rows, ReadOnlySpan<nint> gradients, int dimension, GradientShaping shaping)
    {
        // A copy of the rule on the stack lets the JIT keep its coefficients in registers.
        var rule = _rule;
        T* shaped = shaping.IsNone ? null : (T*)NativeMemory.Alloc((nuint)dimension, (nuint)sizeof(T));
        T twiceL2 = T.CreateChecked(2 * shaping.L2);
        int rowBytes = (int)(dimension * sizeof(T) + SlotBytes(dimension));
        int distance = Prefetch.Distance(rowBytes);
        for (int i = 0; i < Math.Min(distance, rows.Length); i++)
        {
            Prefetch.Row(rows[i], rowBytes);
        }

        for (int i = 0; i < rows.Length; i++)
        {
            if (i + distance < rows.Length)
            {
                Prefetch.Row(rows[i + distance], rowBytes);
            }

            T* weights = (T*)rows[i];
            T* gradient = (T*)gradients[i];
            if (shaped != null)
            {
                RowMath.AddScaled(shaped, gradient, weights, twiceL2, dimension);
                gradient = shaped;
                if (shaping.Clips)
                {
                    shaping.Clip(new Span<T>(shaped, dimension));
                }
            }

            UpdateRow(ref rule, weights, weights + dimension, gradient, dimension);
        }

        NativeMemory.Free(shaped);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateRow(ref TRule rule, T* weights, T* slots, T* gradient, long dimension)
    {
        if (rule.CountsSteps)
        {
            int* count = (int*)(slots + rule.Slots * dimension);
            if (*count < int.MaxValue)
            {
                *count += 1;
            }

            rule.BeginRow(*count);
        }

        long i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= dimension - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                rule.Update<Lane256<T>>(weights + i, slots + i, gradient + i, dimension);
            }
        }

        if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= dimension - Vector128<T>.Count; i += Vector128<T>.Count)
            {
                rule.Update<Lane128<T>>(weights + i, slots + i, gradient + i, dimension);
            }
        }

        for (; i < dimension; i++)
        {
            rule.Update<ScalarLane<T>>(weights + i, slots + i, gradient + i, dimension);
        }
    }
}
