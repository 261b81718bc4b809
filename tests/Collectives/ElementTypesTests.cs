namespace OpenEmbedding.Collectives.Tests;

public sealed class ElementTypesTests
{
    [Fact]
    public void Sizes_are_those_of_the_types()
    {
        Assert.Equal([1, 4, 8, 2, 2, 4, 8], Enum.GetValues<ElementType>().Select(type => type.SizeOf()));
        Assert.Equal(ElementType.BFloat16, ElementTypes.Of<BFloat16>());
        Assert.Equal(ElementType.Float16, ElementTypes.Of<Half>());
    }

    [Fact]
    public void Type_that_cannot_be_reduced_is_named()
    {
        var error = Assert.Throws<ArgumentException>(() => ElementTypes.Of<decimal>());
        Assert.Contains("System.Decimal", error.Message);
    }
}
