namespace OpenEmbedding.Collectives;

/// <summary>Facts about the types of elements.</summary>
public static class ElementTypes
{
    /// <summary>The size of an element in bytes.</summary>
    /// <param name="type">The type of the element.</param>
    public static int SizeOf(this ElementType type) => type switch
    {
        ElementType.UInt8 => 1,
        ElementType.Float16 or ElementType.BFloat16 => 2,
        ElementType.Int32 or ElementType.Float32 => 4,
        _ => 8,
    };

    /// <summary>The element type of a C# type: byte, int, long, Half, <see cref="BFloat16"/>, float or double.</summary>
    /// <typeparam name="T">The C# type.</typeparam>
    /// <exception cref="ArgumentException">Elements of the type cannot be reduced.</exception>
    public static ElementType Of<T>()
        where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float32
        : typeof(T) == typeof(double) ? ElementType.Float64
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(int) ? ElementType.Int32
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(Half) ? ElementType.Float16
        : typeof(T) == typeof(BFloat16) ? ElementType.BFloat16
        : throw new ArgumentException(
            $"elements of type {typeof(T)} cannot be reduced; byte, int, long, Half, BFloat16, float and double can");

    /// <summary>The name of the type in messages, such as "float32".</summary>
    internal static string Name(this ElementType type) => type.ToString().ToLowerInvariant();
}
