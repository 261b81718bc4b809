using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Devices;

public sealed class FlatParametersTests
{
    [Fact]
    public unsafe void The_weights_keep_their_values_and_lie_one_after_another()
    {
        var options = new ModelOptions { Name = ModelName.DeepFM, DnnHiddenUnits = [8, 4] };
        using CtrModel model = CtrModel.Create(options, sparseColumns: 3, dimension: 2, denseColumns: 2);
        DenseParameter[] parameters = [.. model.DenseParameters()];
        float[] before = [.. parameters.SelectMany(named => named.Parameter.data<float>().ToArray())];

        using var flat = new FlatParameters(parameters, weights => weights.clone());

        Assert.Equal(before.Length * sizeof(float), flat.Bytes);
        Assert.Equal(before, new ReadOnlySpan<float>((void*)flat.Address, before.Length));
        Assert.Equal(before, parameters.SelectMany(named => named.Parameter.data<float>().ToArray()));
        new Span<float>((void*)flat.Address, before.Length).Fill(0.5f);
        Assert.All(parameters, named => Assert.All(named.Parameter.data<float>().ToArray(), weight => Assert.Equal(0.5f, weight)));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void A_model_trains_on_as_before()
    {
        var options = new ModelOptions { Name = ModelName.DeepFM, DnnHiddenUnits = [8, 4] };
        using CtrModel model = CtrModel.Create(options, sparseColumns: 3, dimension: 2, denseColumns: 2);
        using CtrModel moved = CtrModel.Create(options, sparseColumns: 3, dimension: 2, denseColumns: 2);
        using var flat = new FlatParameters([.. moved.DenseParameters()], weights => weights.clone());
        using Tensor linear = rand(5, 3), embeddings = rand(5, 3, 2), dense = rand(5, 2);

        model.forward(linear, embeddings, dense).sum().backward();
        moved.forward(linear, embeddings, dense).sum().backward();

        Assert.All(
            model.DenseParameters().Zip(moved.DenseParameters()),
            pair => Assert.Equal(pair.First.Parameter.grad!.data<float>().ToArray(), pair.Second.Parameter.grad!.data<float>().ToArray()));
    }
}
