using OpenEmbedding.Trainer.Models.Parts;
using TorchSharp;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class InteractionLayerTests
{
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(7, 2, 5, 3)]
    [InlineData(1000, 26, 26, 8)]
    [InlineData(601, 40, 64, 6)]
    public void Work_in_parts_equals_all_products_at_once(int rows, int columns, int maps, int size)
    {
        using DisposeScope scope = NewDisposeScope();
        var generator = new Generator(5);
        Tensor[] inputs = [Random(rows, columns), Random(rows, maps), Random(columns * maps, size), Random(size)];
        Tensor[] copies = [.. inputs.Select(input => input.detach().clone().requires_grad_(true))];
        Tensor outgoing = Random(rows, size).detach();

        Tensor output = InteractionLayer.Apply(inputs[0], inputs[1], inputs[2], inputs[3]);
        output.backward([outgoing]);
        Tensor products = (copies[0].unsqueeze(2) * copies[1].unsqueeze(1)).flatten(1);
        Tensor expected = addmm(copies[3], products, copies[2], 1, 1);
        expected.backward([outgoing]);

        Assert.True(expected.allclose(output, rtol: 1e-10, atol: 1e-10));
        Assert.All(inputs.Zip(copies), pair => Assert.True(pair.Second.grad!.allclose(pair.First.grad!, rtol: 1e-10, atol: 1e-10)));

        Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64, generator: generator).requires_grad_(true);
    }
}
