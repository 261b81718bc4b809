using System.Runtime.InteropServices;
using CsCheck;

namespace OpenEmbedding.Collectives.Tests;

/// <summary>The reductions in own code against plain loops, at lengths around the vector and tile sizes.</summary>
public sealed unsafe class ReductionTests
{
    private static readonly Gen<(int Sources, int Length, ReduceOperation Operation)> _shapes =
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 2100], Gen.Enum<ReduceOperation>());

    [Fact]
    public void Doubles_are_combined_in_the_order_of_the_sources() =>
        _shapes.Sample(shape => Matches(shape, ElementType.Float64, random => random.NextDouble() - 0.5, Plain), iter: 60);

    [Fact]
    public void Floats_are_combined_in_the_order_of_the_sources() =>
        _shapes.Sample(shape => Matches(shape, ElementType.Float32, random => random.NextSingle() - 0.5f, Plain), iter: 60);

    [Fact]
    public void Integers_are_combined_and_averages_cut_towards_zero() =>
        _shapes.Sample(shape => Matches(shape, ElementType.Int64, random => random.NextInt64(-1000, 1000), Plain), iter: 60);

    [Fact]
    public void Halves_are_combined_in_float_and_rounded_once() =>
        _shapes.Sample(
            shape => Matches(
                shape,
                ElementType.Float16,
                random => (Half)(random.NextSingle() - 0.5f),
                (terms, operation) => (Half)Plain([.. terms.Select(term => (float)term)], operation)),
            iter: 60);

    [Fact]
    public void BFloats_are_combined_in_float_and_rounded_once() =>
        _shapes.Sample(
            shape => Matches(
                shape,
                ElementType.BFloat16,
                random => (BFloat16)(random.NextSingle() - 0.5f),
                (terms, operation) => (BFloat16)Plain([.. terms.Select(term => (float)term)], operation)),
            iter: 60);

    [Fact]
    public void Sum_of_halves_does_not_lose_small_terms()
    {
        // 2048 + 1 + 1 + … in half precision stays 2048; in float it is 2051.
        Half[][] sources = [[(Half)2048], [Half.One], [Half.One], [(Half)2]];
        Assert.Equal((Half)2052, Combine(sources, ElementType.Float16, ReduceOperation.Sum)[0]);
    }

    [Theory]
    [InlineData(300, 255, 0)]
    [InlineData(2, 255, 127)]
    public void Bytes_are_divided_by_more_than_a_byte_holds(int divisor, byte value, byte expected)
    {
        Reduction.Divide((nint)(&value), 1, ElementType.UInt8, divisor);
        Assert.Equal(expected, value);
    }

    private static T Plain<T>(T[] terms, ReduceOperation operation)
        where T : System.Numerics.INumber<T> => operation switch
        {
            ReduceOperation.Min => terms.Min()!,
            ReduceOperation.Max => terms.Max()!,
            ReduceOperation.Product => terms.Aggregate((a, b) => a * b),
            ReduceOperation.Average => terms.Aggregate((a, b) => a + b) / T.CreateChecked(terms.Length),
            _ => terms.Aggregate((a, b) => a + b),
        };

    private static void Matches<T>(
        (int Sources, int Length, ReduceOperation Operation) shape,
        ElementType type,
        Func<Random, T> next,
        Func<T[], ReduceOperation, T> plain)
        where T : unmanaged
    {
        var random = new Random(shape.Length);
        var sources = new T[shape.Sources][];
        for (var i = 0; i < sources.Length; i++)
        {
            sources[i] = [.. Enumerable.Range(0, shape.Length).Select(_ => next(random))];
        }

        var actual = Combine(sources, type, shape.Operation);
        for (var i = 0; i < shape.Length; i++)
        {
            Assert.Equal(plain([.. sources.Select(source => source[i])], shape.Operation), actual[i]);
        }
    }

    /// <summary>Combines into the first source's place, as an all-reduce does with the own block.</summary>
    private static T[] Combine<T>(T[][] sources, ElementType type, ReduceOperation operation)
        where T : unmanaged
    {
        var pins = sources.Select(source => GCHandle.Alloc(source.ToArray(), GCHandleType.Pinned)).ToArray();
        var places = pins.Select(pin => pin.AddrOfPinnedObject()).ToArray();
        Reduction.Combine(places, places[0], sources[0].Length, type, operation);
        var result = (T[])pins[0].Target!;
        foreach (var pin in pins)
        {
            pin.Free();
        }

        return result;
    }
}
