namespace OpenEmbedding.Collectives;

/// <summary>How floating-point numbers of one type travel: as they are, or rounded to a narrower type.</summary>
/// <remarks>
/// Rounding is to the nearest, ties to even. What is too large for the narrower type travels as its largest number; infinity and
/// not-a-number pass, so that a job that diverges shows it.
/// </remarks>
public readonly unsafe record struct WireFormat
{
    // Gradients of a mean are small: without it most of them would be below float16's normal numbers. 2^10 leaves room up to ±63.97.
    private const float GradientScale = 1024;

    private readonly float _scale;

    private WireFormat(ElementType stored, ElementType? sent, float scale)
    {
        if (stored is not (ElementType.Float32 or ElementType.Float64)
            || sent is not (null or ElementType.Float16 or ElementType.BFloat16 or ElementType.Float32))
        {
            throw new ArgumentException($"numbers of type {stored.Name()} do not travel as {sent?.Name()}; float32 and float64 do, as float32, float16 or bfloat16");
        }

        Stored = stored;
        Sent = sent ?? stored;
        _scale = scale;
    }

    /// <summary>The type in memory, float32 or float64.</summary>
    public ElementType Stored { get; }

    /// <summary>The type on the wire: that in memory, or float32, float16 or bfloat16.</summary>
    public ElementType Sent { get; }

    /// <summary>Whether anything is converted.</summary>
    public bool Converts => Stored != Sent;

    /// <summary>Bytes of a number on the wire.</summary>
    public int SentBytes => Sent.SizeOf();

    /// <summary>The format of weights.</summary>
    /// <param name="stored">float32 or float64.</param>
    /// <param name="sent">float32, float16 or bfloat16; null for the type in memory.</param>
    public static WireFormat OfWeights(ElementType stored, ElementType? sent) => new(stored, sent, 1);

    /// <summary>The format of gradients: in float16 they travel times 1024, which sums of them share.</summary>
    /// <inheritdoc cref="OfWeights"/>
    public static WireFormat OfGradients(ElementType stored, ElementType? sent) =>
        new(stored, sent, sent == ElementType.Float16 ? GradientScale : 1);

    /// <summary>Writes numbers as they travel.</summary>
    /// <param name="source">[count] as in memory; apart from the destination.</param>
    /// <param name="destination">Receives [count] as on the wire.</param>
    /// <param name="count">How many numbers.</param>
    public void Write(nint source, nint destination, long count)
    {
        switch (Stored, Sent)
        {
            case (ElementType.Float32, ElementType.Float16):
                NarrowConversion.Narrow<Float16Type>((float*)source, (ushort*)destination, count, _scale);
                break;
            case (ElementType.Float32, ElementType.BFloat16):
                NarrowConversion.Narrow<BFloat16Type>((float*)source, (ushort*)destination, count, _scale);
                break;
            case (ElementType.Float64, ElementType.Float16):
                NarrowConversion.Narrow<Float16Type>((double*)source, (ushort*)destination, count, _scale);
                break;
            case (ElementType.Float64, ElementType.BFloat16):
                NarrowConversion.Narrow<BFloat16Type>((double*)source, (ushort*)destination, count, _scale);
                break;
            case (ElementType.Float64, ElementType.Float32):
                ToSingle((double*)source, (float*)destination, count);
                break;
            default:
                Buffer.MemoryCopy((void*)source, (void*)destination, count * SentBytes, count * SentBytes);
                break;
        }
    }

    /// <summary>Reads numbers that travelled.</summary>
    /// <param name="source">[count] as on the wire; apart from the destination.</param>
    /// <param name="destination">Receives [count] as in memory.</param>
    /// <param name="count">How many numbers.</param>
    public void Read(nint source, nint destination, long count)
    {
        float scale = 1 / _scale;
        switch (Stored, Sent)
        {
            case (ElementType.Float32, ElementType.Float16):
                NarrowConversion.Widen<Float16Type>((ushort*)source, (float*)destination, count, scale);
                break;
            case (ElementType.Float32, ElementType.BFloat16):
                NarrowConversion.Widen<BFloat16Type>((ushort*)source, (float*)destination, count, scale);
                break;
            case (ElementType.Float64, ElementType.Float16):
                NarrowConversion.Widen<Float16Type>((ushort*)source, (double*)destination, count, scale);
                break;
            case (ElementType.Float64, ElementType.BFloat16):
                NarrowConversion.Widen<BFloat16Type>((ushort*)source, (double*)destination, count, scale);
                break;
            case (ElementType.Float64, ElementType.Float32):
                ToDouble((float*)source, (double*)destination, count);
                break;
            default:
                Buffer.MemoryCopy((void*)source, (void*)destination, count * SentBytes, count * SentBytes);
                break;
        }
    }

    private static void ToSingle(double* source, float* destination, long count)
    {
        for (long i = 0; i < count; i++)
        {
            float value = (float)source[i];
            destination[i] = float.IsInfinity(value) && double.IsFinite(source[i]) ? float.CopySign(float.MaxValue, value) : value;
        }
    }

    private static void ToDouble(float* source, double* destination, long count)
    {
        for (long i = 0; i < count; i++)
        {
            destination[i] = source[i];
        }
    }
}
