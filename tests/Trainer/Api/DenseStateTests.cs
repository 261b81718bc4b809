using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Api;

/// <summary>A module and its optimizer that are saved and loaded train on with the same bits.</summary>
public sealed class DenseStateTests
{
    private static readonly Dictionary<string, Func<IEnumerable<Parameter>, optim.Optimizer>> _optimizers = new()
    {
        ["SGD"] = parameters => optim.SGD(parameters, 0.1),
        ["momentum"] = parameters => optim.SGD(parameters, 0.1, momentum: 0.9),
        ["Adagrad"] = parameters => optim.Adagrad(parameters, lr: 0.1),
        ["Adadelta"] = parameters => optim.Adadelta(parameters),
        ["Adam"] = parameters => optim.Adam(parameters, lr: 0.1),
        ["Amsgrad"] = parameters => optim.Adam(parameters, lr: 0.1, amsgrad: true),
        ["AdamW"] = parameters => optim.AdamW(parameters, lr: 0.1),
        ["Adamax"] = parameters => optim.Adamax(parameters, lr: 0.1),
        ["NAdam"] = parameters => optim.NAdam(parameters, lr: 0.1),
        ["RMSProp"] = parameters => optim.RMSProp(parameters, 0.01, momentum: 0.9, centered: true),
        ["Rprop"] = parameters => optim.Rprop(parameters),
        ["RAdam"] = parameters => optim.RAdam(parameters, 0.01),
        ["ASGD"] = parameters => optim.ASGD(parameters, 0.01),
    };

    public static TheoryData<string> Optimizers => [.. _optimizers.Keys];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void TrainingGoesOnWithTheSameBits(string name)
    {
        using var whole = new Net();
        using optim.Optimizer optimizer = _optimizers[name](whole.parameters());
        var state = new DenseState(whole);
        Train(whole, optimizer, from: 0, to: 3);
        IReadOnlyList<NamedArray> saved = state.Export(optimizer);
        Train(whole, optimizer, from: 3, to: 6);

        using var other = new Net();
        using optim.Optimizer otherOptimizer = _optimizers[name](other.parameters());
        var otherState = new DenseState(other);
        Assert.True(otherState.Import(new DenseArrays("file", saved), otherOptimizer));
        Train(other, otherOptimizer, from: 3, to: 6);

        IReadOnlyList<NamedArray> expected = state.Export(optimizer);
        IReadOnlyList<NamedArray> actual = otherState.Export(otherOptimizer);
        Assert.Equal(expected.Select(array => array.Name), actual.Select(array => array.Name));
        Assert.All(expected.Zip(actual), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span), pair.First.Name));
    }

    [Fact]
    public void AnotherOptimizerKeepsWeightsAndSaysSo()
    {
        using var net = new Net();
        using optim.Optimizer adam = optim.Adam(net.parameters());
        IReadOnlyList<NamedArray> saved = new DenseState(net).Export(adam);

        using var other = new Net();
        using optim.Optimizer sgd = optim.SGD(other.parameters(), 0.1);
        Assert.False(new DenseState(other).Import(new DenseArrays("file", saved), sgd));
        Assert.Equal(net.parameters().First().bytes.ToArray(), other.parameters().First().bytes.ToArray());
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using var net = new Net();
        using var stranger = new Net();
        using optim.Optimizer ofStranger = optim.Adam(stranger.parameters());
        var state = new DenseState(net);
        Assert.Contains("that the model does not have", Assert.Throws<OpenEmbeddingException>(() => state.Export(ofStranger)).Message, StringComparison.Ordinal);

        NamedArray[] weights = [.. state.Export(optimizer: null)];
        Assert.Contains("no array dense/_first.weight", Fails(weights[1..]), StringComparison.Ordinal);
        Assert.Contains("is F32 [4], the model has F32 [5, 4]", Fails([weights[0] with { Shape = [4] }, .. weights[1..]]), StringComparison.Ordinal);

        string Fails(NamedArray[] arrays) =>
            Assert.Throws<OpenEmbeddingException>(() => state.Import(new DenseArrays("file", arrays), null)).Message;
    }

    private static void Train(Net net, optim.Optimizer optimizer, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            using var scope = NewDisposeScope();
            Tensor input = arange(12, dtype: float32).reshape(3, 4) * (step + 1) / 10;
            optimizer.zero_grad();
            net.forward(input).square().sum().backward();
            optimizer.step();
        }
    }

    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _first = nn.Linear(4, 5);
        private readonly BatchNorm1d _norm = nn.BatchNorm1d(5);
        private readonly Linear _last = nn.Linear(5, 1);

        public Net()
            : base(nameof(Net))
        {
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => _last.forward(nn.functional.relu(_norm.forward(_first.forward(input))));
    }
}
