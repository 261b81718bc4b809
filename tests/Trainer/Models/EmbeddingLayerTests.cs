using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Models.Embeddings;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Models;

/// <summary>Attached layers must compute and learn as the same module with its own weights does.</summary>
public sealed class EmbeddingLayerTests
{
    private const long Vocabulary = 50;
    private const int Dimension = 3;

    [Fact]
    public void Layers_are_found_by_their_qualified_names()
    {
        using var module = new Outer();

        IReadOnlyList<EmbeddingLayer> layers = EmbeddingLayers.Find(module);

        Assert.Equal(
            [("_users", 10, 4, ElementType.Float32), ("_inner.tags", 20, 5, ElementType.Float64)],
            layers.Select(layer => (layer.Name, layer.Vocabulary, layer.Dimension, layer.ElementType)));
    }

    [Fact]
    public void A_layer_alone_and_a_layer_found_twice_are_one_layer()
    {
        using Embedding embedding = nn.Embedding(10, 4);
        using var twice = nn.Sequential(("first", embedding), ("second", embedding));

        Assert.Equal("Embedding", Assert.Single(EmbeddingLayers.Find(embedding)).Name);
        Assert.Equal("first", Assert.Single(EmbeddingLayers.Find(twice)).Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_attached_embedding_computes_and_learns_as_with_its_own_weights(bool throughCall)
    {
        using Tensor weights = randn(Vocabulary, Dimension, dtype: ScalarType.Float64);
        using Embedding attached = nn.Embedding(Vocabulary, Dimension, device: META, dtype: ScalarType.Float64);
        using Embedding own = nn.Embedding_from_pretrained(weights.clone(), freeze: false);
        using var rows = new RowsOf(weights, attached);
        using Tensor ids = tensor(new long[,] { { 7, 0, 7 }, { 49, 3, 0 } });

        using Tensor output = throughCall ? attached.call(ids) : attached.forward(ids);
        using Tensor expected = own.forward(ids);
        output.square().sum().backward();
        expected.square().sum().backward();

        AssertClose(expected, output);
        AssertClose(own.weight!.grad!, rows.Gradient());
    }

    [Theory]
    [InlineData(EmbeddingBagMode.Sum, false)]
    [InlineData(EmbeddingBagMode.Sum, true)]
    [InlineData(EmbeddingBagMode.Mean, false)]
    [InlineData(EmbeddingBagMode.Max, false)]
    public void An_attached_bag_computes_and_learns_as_with_its_own_weights(EmbeddingBagMode mode, bool weighted)
    {
        using Tensor weights = randn(Vocabulary, Dimension, dtype: ScalarType.Float64);
        using EmbeddingBag attached = nn.EmbeddingBag(Vocabulary, Dimension, mode: mode, device: META, dtype: ScalarType.Float64);
        using EmbeddingBag own = nn.EmbeddingBag_from_pretrained(weights.clone(), freeze: false, mode: mode);
        using var rows = new RowsOf(weights, attached);
        using Tensor ids = tensor(new long[] { 7, 0, 7, 49, 3, 0 });
        using Tensor offsets = tensor(new long[] { 0, 2, 2 });
        using Tensor? perSample = weighted ? rand(6, dtype: ScalarType.Float64) : null;

        using Tensor output = attached.call(ids, offsets, perSample);
        using Tensor expected = own.call(ids, offsets, perSample);
        output.square().sum().backward();
        expected.square().sum().backward();

        AssertClose(expected, output);
        AssertClose(own.weight!.grad!, rows.Gradient());
    }

    [Fact]
    public void Several_passes_in_one_step_add_up()
    {
        using Tensor weights = randn(Vocabulary, Dimension, dtype: ScalarType.Float64);
        using Embedding attached = nn.Embedding(Vocabulary, Dimension, device: META, dtype: ScalarType.Float64);
        using Embedding own = nn.Embedding_from_pretrained(weights.clone(), freeze: false);
        using var rows = new RowsOf(weights, attached);
        using Tensor left = tensor(new long[] { 1, 2, 3 });
        using Tensor right = tensor(new int[] { 3, 40, 1 });

        (attached.forward(left) * attached.forward(right)).sum().backward();
        (own.forward(left) * own.forward(right)).sum().backward();

        Assert.Equal(2, rows.Layer.Passes.Count);
        AssertClose(own.weight!.grad!, rows.Gradient());
        rows.Layer.Clear();
        Assert.Empty(rows.Layer.Passes);
        Assert.Equal(0, Assert.Single(attached.parameters()).shape[0]);
    }

    [Fact]
    public void A_pass_without_gradients_is_not_kept()
    {
        using Tensor weights = randn(Vocabulary, Dimension);
        using Embedding attached = nn.Embedding(Vocabulary, Dimension, device: META);
        using var rows = new RowsOf(weights, attached);
        using var noGradients = no_grad();
        using Tensor ids = tensor(new long[] { 4, 4, 5 });

        using Tensor output = attached.forward(ids);

        AssertClose(weights.index_select(0, ids), output);
        Assert.Empty(rows.Layer.Passes);
        Assert.False(rows.LastLearned);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Padding_with_zero_and_sparse_gradients_keep_their_meaning(bool sparse)
    {
        using Tensor weights = randn(Vocabulary, Dimension, dtype: ScalarType.Float64);
        using (Tensor padding = weights[0])
        {
            padding.zero_();
        }

        using Embedding attached = nn.Embedding(Vocabulary, Dimension, padding_idx: 0, sparse: sparse, device: META, dtype: ScalarType.Float64);
        using Embedding own = nn.Embedding_from_pretrained(weights.clone(), freeze: false, padding_idx: 0);
        using var rows = new RowsOf(weights, attached);
        using Tensor ids = tensor(new long[] { 5, 0, 6, 0, 5 });

        (attached.forward(ids) + 1).square().sum().backward();
        (own.forward(ids) + 1).square().sum().backward();

        AssertClose(own.weight!.grad!, rows.Gradient());
        Assert.DoesNotContain(0, rows.LastIds);
    }

    [Fact]
    public void Options_that_rows_elsewhere_cannot_honour_are_refused()
    {
        using Embedding padded = nn.Embedding(Vocabulary, Dimension, padding_idx: 7);
        using Embedding shortened = nn.Embedding(Vocabulary, Dimension, max_norm: 1);

        Assert.Contains("padding index", Assert.Throws<OpenEmbeddingException>(() => new RowsOf(zeros(1), padded)).Message, StringComparison.Ordinal);
        Assert.Contains("max_norm", Assert.Throws<OpenEmbeddingException>(() => new RowsOf(zeros(1), shortened)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_layers_are_left_alone_and_their_errors_can_be_caught()
    {
        using Embedding attached = nn.Embedding(Vocabulary, Dimension, device: META);
        using Embedding other = nn.Embedding(Vocabulary, Dimension);
        using var rows = new RowsOf(randn(Vocabulary, Dimension), attached);
        using Tensor ids = tensor(new long[] { 1, 2 });
        using Tensor beyond = tensor(new long[] { Vocabulary });

        using Tensor output = other.forward(ids);

        AssertClose(other.weight!.index_select(0, ids), output);
        Assert.ThrowsAny<Exception>(() => other.forward(beyond));
        Assert.Empty(rows.Layer.Passes);
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.allclose(actual, rtol: 1e-12, atol: 1e-12), $"expected {expected.str()}, was {actual.str()}");
    }

    private sealed class Outer : nn.Module<Tensor, Tensor>
    {
        private readonly Embedding _users = nn.Embedding(10, 4, device: META);
        private readonly nn.Module _inner = nn.ModuleDict<nn.Module>(("tags", nn.EmbeddingBag(20, 5, dtype: ScalarType.Float64)), ("dense", nn.Linear(5, 1)));

        public Outer()
            : base(nameof(Outer)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _users.forward(input);

        protected override void Dispose(bool disposing)
        {
            _users.Dispose();
            _inner.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Serves a layer from a whole table, distinct ids in descending order, so that positions differ from ids.</summary>
    private sealed class RowsOf : IRowSource, IDisposable
    {
        private readonly Tensor _weights;
        private readonly List<long[]> _keys = [];

        public RowsOf(Tensor weights, nn.Module module)
        {
            _weights = weights;
            Layer = Assert.Single(EmbeddingLayers.Find(module));
            Layer.Attach(this);
        }

        public EmbeddingLayer Layer { get; }

        public bool LastLearned { get; private set; }

        public long[] LastIds { get; private set; } = [];

        public Tensor Pull(EmbeddingLayer layer, ReadOnlySpan<long> ids, Span<long> positions, bool learns)
        {
            Assert.Same(Layer, layer);
            LastIds = ids.ToArray();
            LastLearned = learns;
            long[] keys = [.. LastIds.Distinct().OrderDescending()];
            for (int i = 0; i < ids.Length; i++)
            {
                positions[i] = Array.IndexOf(keys, ids[i]);
            }

            _keys.Add(keys);
            using Tensor index = tensor(keys);
            return _weights.index_select(0, index);
        }

        /// <summary>The gradients of all passes, by key: [vocabulary, dimension].</summary>
        public Tensor Gradient()
        {
            Tensor sum = zeros_like(_weights);
            foreach ((PassOfLayer pass, long[] keys) in Layer.Passes.Zip(_keys))
            {
                using Tensor gradient = pass.TakeGradient()!;
                sum.index_add_(0, tensor(keys), gradient, 1);
            }

            return sum;
        }

        public void Dispose() => Layer.Dispose();
    }
}
