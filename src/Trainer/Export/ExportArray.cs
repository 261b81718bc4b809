using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Export;

/// <summary>A constant of an exported model. Its elements are asked for when their place in the file comes, so that large ones never lie in memory.</summary>
/// <param name="Name">Its name, unique in the graph.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its shape, row-major.</param>
/// <param name="Write">Writes all elements, little-endian.</param>
internal sealed record ExportArray(string Name, ElementType Type, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    /// <summary>The bytes that <see cref="Write"/> writes.</summary>
    public long Bytes => Shape.Aggregate((long)Type.SizeOf(), (bytes, dimension) => checked(bytes * dimension));

    /// <summary>An array of a few elements.</summary>
    public static ExportArray Of<T>(string name, IReadOnlyList<long> shape, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        byte[] bytes = MemoryMarshal.AsBytes(elements).ToArray();
        return new ExportArray(name, ElementTypes.Of<T>(), shape, stream => stream.Write(bytes));
    }

    /// <summary>A dense parameter as it is when it is written.</summary>
    public static ExportArray Of(string name, Parameter parameter) => new(
        name,
        parameter.dtype == ScalarType.Float64 ? ElementType.Float64 : ElementType.Float32,
        parameter.shape,
        stream => stream.Write(parameter.bytes));

    /// <summary>Integers, [numbers], of which only a few are copied at a time.</summary>
    public static ExportArray OfList(string name, IReadOnlyList<long> numbers) =>
        new(name, ElementType.Int64, [numbers.Count], stream => WriteNumbers(stream, numbers));

    private static void WriteNumbers(Stream stream, IReadOnlyList<long> numbers)
    {
        const int NumbersAtOnce = 1 << 16;
        long[] some = new long[NumbersAtOnce];
        for (int first = 0; first < numbers.Count; first += NumbersAtOnce)
        {
            int length = Math.Min(NumbersAtOnce, numbers.Count - first);
            for (int i = 0; i < length; i++)
            {
                some[i] = numbers[first + i];
            }

            stream.Write(MemoryMarshal.AsBytes(some.AsSpan(0, length)));
        }
    }
}
