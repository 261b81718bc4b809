using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>A row-major array of numbers, or of integers and truth values.</summary>
internal sealed record NumberArray(int[] Shape, double[]? Numbers, long[]? Integers)
{
    /// <summary>TensorFlow's number for the type.</summary>
    public long Type { get; init; }

    public int Count => Shape.Aggregate(1, (count, dimension) => count * dimension);

    /// <summary>An array of one of TensorFlow's types.</summary>
    public static NumberArray Of(long type, int[] shape, ReadOnlySpan<byte> bytes) => type switch
    {
        1 => new(shape, Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), number => (double)number), null) { Type = type },
        2 => new(shape, MemoryMarshal.Cast<byte, double>(bytes).ToArray(), null) { Type = type },
        3 => new(shape, null, Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), number => (long)number)) { Type = type },
        9 => new(shape, null, MemoryMarshal.Cast<byte, long>(bytes).ToArray()) { Type = type },
        _ => throw new InvalidDataException($"type {type}"),
    };

    /// <summary>An array of another shape, each element of which is one of this one.</summary>
    public NumberArray Pick(int[] shape, Func<int[], int> from)
    {
        int count = shape.Aggregate(1, (product, dimension) => product * dimension);
        int[] places = new int[count];
        int[] at = new int[shape.Length];
        for (int i = 0; i < count; i++)
        {
            places[i] = from(at);
            for (int axis = shape.Length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--)
            {
                at[axis] = 0;
            }
        }

        return new NumberArray(
            shape,
            Numbers is null ? null : Array.ConvertAll(places, place => Numbers[place]),
            Integers is null ? null : Array.ConvertAll(places, place => Integers[place]));
    }

    public NumberArray Broadcast(int[] shape) =>
        Pick(shape, at => Place([.. at.Skip(shape.Length - Shape.Length).Select((i, axis) => Shape[axis] == 1 ? 0 : i)]));

    /// <summary>The place of an element.</summary>
    public int Place(IReadOnlyList<int> at)
    {
        int place = 0;
        for (int axis = 0; axis < Shape.Length; axis++)
        {
            Assert.InRange(at[axis], 0, Shape[axis] - 1);
            place = (place * Shape[axis]) + at[axis];
        }

        return place;
    }

    public NumberArray Map(Func<double, double> map) => this with { Numbers = Array.ConvertAll(Numbers!, number => map(number)) };

    public static int[] Common(params NumberArray[] arrays)
    {
        int[] shape = new int[arrays.Max(array => array.Shape.Length)];
        for (int axis = 1; axis <= shape.Length; axis++)
        {
            IEnumerable<NumberArray> deep = arrays.Where(array => array.Shape.Length >= axis);
            int[] dimensions = [.. deep.Select(array => array.Shape[^axis]).Where(dimension => dimension != 1).Distinct()];
            Assert.True(dimensions.Length < 2, "shapes do not go together");
            shape[^axis] = dimensions.Length == 0 ? 1 : dimensions[0];
        }

        return shape;
    }
}
