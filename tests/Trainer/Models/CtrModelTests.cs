using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class CtrModelTests
{
    private const int Batch = 5;
    private const int Columns = 3;
    private const int Dimension = 4;
    private const int DenseColumns = 2;

    public static TheoryData<string, ModelOptions> Variants
    {
        get
        {
            var variants = new TheoryData<string, ModelOptions>();
            foreach (ModelName name in Enum.GetValues<ModelName>())
            {
                variants.Add(name.ToString(), Options(name));
            }

            variants.Add("whole maps", Options(ModelName.XDeepFM) with { CinSplitHalf = false });
            variants.Add("low rank", Options(ModelName.DcnV2) with { CrossRank = 2, CrossLayers = 3 });
            variants.Add("one matrix", Options(ModelName.FiBiNet) with { Bilinear = BilinearKind.All });
            variants.Add("one matrix for each column", Options(ModelName.FiBiNet) with { Bilinear = BilinearKind.Each });
            return variants;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_equal_plain_loops(string _, ModelOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        CtrModel model = Model(options);
        Randomize(model);
        var reference = new CtrReference(model.named_parameters().ToDictionary(named => named.name, named => named.parameter));
        (Tensor linear, Tensor embeddings, Tensor dense) = Inputs();

        double[] logits = model.forward(linear, embeddings, dense).data<double>().ToArray();

        for (int row = 0; row < Batch; row++)
        {
            double[] w = linear[row].data<double>().ToArray();
            double[] x = dense[row].data<double>().ToArray();
            double[][] v = [.. Enumerable.Range(0, Columns).Select(f => embeddings[row, f].data<double>().ToArray())];
            double expected = reference.Bias
                + (options.Name == ModelName.Dlrm ? 0 : reference.Linear(w, x))
                + options.Name switch
                {
                    ModelName.LR => 0,
                    ModelName.FiBiNet => reference.Dnn(reference.Bilinear(v, x, options.Bilinear)),
                    ModelName.Dlrm => reference.Dnn(reference.Dots(v, x)),
                    _ => reference.Dnn(v, x),
                }
                + options.Name switch
                {
                    ModelName.DeepFM => CtrReference.FactorizationMachine(v),
                    ModelName.XDeepFM => reference.CompressedInteraction(v, options.CinSplitHalf),
                    ModelName.DcnV2 => reference.CrossNetwork(v, x),
                    ModelName.AutoInt => reference.Attention(v, x, options.AttentionHeads),
                    _ => 0,
                };
            Assert.Equal(expected, logits[row], 1e-12 * Math.Max(1, Math.Abs(expected)));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_equal_finite_differences(string _, ModelOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        CtrModel model = Model(options);
        Randomize(model);
        (Tensor linear, Tensor embeddings, Tensor dense) = Inputs();
        linear.requires_grad_(CtrModel.HasLinear(options));
        embeddings.requires_grad_(CtrModel.HasEmbeddings(options));
        Loss().backward();

        IEnumerable<(string, Tensor)> leaves = model.named_parameters().Select(named => (named.name, (Tensor)named.parameter));
        foreach ((string leaf, Tensor values) in leaves.Append(("linear", linear)).Append(("embeddings", embeddings)).Where(named => named.Item2.requires_grad))
        {
            double[] gradient = values.grad!.contiguous().data<double>().ToArray();
            for (int i = 0; i < gradient.Length; i++)
            {
                const double Step = 1e-6;
                double slope = (LossMoved(values, i, Step) - LossMoved(values, i, -Step)) / (2 * Step);
                Assert.True(Math.Abs(slope - gradient[i]) <= 1e-6 * Math.Max(1, Math.Abs(slope)), $"{leaf}[{i}]: {gradient[i]}, by differences {slope}");
            }
        }

        Tensor Loss() => nn.functional.binary_cross_entropy_with_logits(
            model.forward(linear, embeddings, dense), tensor(new double[] { 1, 0, 0, 1, 0 }), reduction: nn.Reduction.Sum);

        double LossMoved(Tensor values, int index, double step)
        {
            using var noGradients = no_grad();
            using Tensor flat = values.view(-1);
            flat[index] += step;
            double loss = Loss().item<double>();
            flat[index] -= step;
            return loss;
        }
    }

    [Fact]
    public void Parameters_have_stable_names_and_shapes()
    {
        using CtrModel model = Model(Options(ModelName.XDeepFM));

        Assert.Equal(
            [
                ("bias", "1"), ("cin.0.bias", "6"), ("cin.0.weight", "9x6"), ("cin.1.bias", "4"), ("cin.1.weight", "9x4"), ("cin.output.weight", "7x1"),
                ("dnn.0.bias", "8"), ("dnn.0.weight", "14x8"), ("dnn.1.bias", "3"), ("dnn.1.weight", "8x3"), ("dnn.output.weight", "3x1"),
                ("linear.dense", "2x1"),
            ],
            model.named_parameters().Select(named => (named.name, string.Join('x', named.parameter.shape))).OrderBy(named => named.name, StringComparer.Ordinal));
    }

    [Fact]
    public void A_seed_gives_the_same_weights_on_any_number_of_threads_and_in_both_precisions()
    {
        int threads = get_num_threads();
        using CtrModel model = Model(Options(ModelName.XDeepFM));
        set_num_threads(threads + 1);
        using CtrModel again = Model(Options(ModelName.XDeepFM));
        set_num_threads(threads);
        using CtrModel single = CtrModel.Create(Options(ModelName.XDeepFM) with { Dtype = ElementType.Float32 }, Columns, Dimension, DenseColumns);
        using CtrModel other = CtrModel.Create(Options(ModelName.XDeepFM) with { Seed = 2 }, Columns, Dimension, DenseColumns);

        foreach ((string name, Parameter weights) in model.named_parameters())
        {
            Assert.Equal(weights.data<double>().ToArray(), again.get_parameter(name)!.data<double>().ToArray());
            Assert.Equal(weights.data<double>().Select(weight => (float)weight), single.get_parameter(name)!.data<float>().ToArray());
            bool zeros = name.EndsWith("bias", StringComparison.Ordinal);
            Assert.Equal(zeros, weights.data<double>().All(weight => weight == 0));
            Assert.Equal(zeros, weights.data<double>().SequenceEqual(other.get_parameter(name)!.data<double>()));
        }
    }

    /// <summary>bfloat16 has 8 bits of mantissa: a relative step of 2⁻⁸.</summary>
    [Theory]
    [InlineData(ModelName.DeepFM)]
    [InlineData(ModelName.Dlrm)]
    public void Mixed_precision_is_near_and_leaves_weights_and_gradients_in_float32(ModelName name)
    {
        ModelOptions options = Options(name) with { Dtype = ElementType.Float32, DnnHiddenUnits = [64, 32] };
        using CtrModel plain = Model(options), mixed = Model(options with { MixedPrecision = true });
        using Tensor linear = rand(50, Columns), embeddings = rand(50, Columns, Dimension), dense = rand(50, DenseColumns);
        using Tensor expected = plain.forward(linear, embeddings, dense), actual = mixed.forward(linear, embeddings, dense);
        expected.sum().backward();
        actual.sum().backward();

        Assert.Equal(ScalarType.Float32, actual.dtype);
        Assert.InRange((actual - expected).norm().item<float>() / expected.norm().item<float>(), 1e-7, 0.02);
        Assert.All(plain.parameters().Zip(mixed.parameters()), pair =>
        {
            using Tensor off = pair.Second.grad! - pair.First.grad!;
            Assert.Equal(ScalarType.Float32, pair.Second.grad!.dtype);
            Assert.InRange(off.norm().item<float>(), 0, 0.05 * pair.First.grad!.norm().item<float>());
        });
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_model_without_dense_columns_has_no_weights_for_them(string _, ModelOptions options)
    {
        using CtrModel model = CtrModel.Create(options, Columns, Dimension, denseColumns: 0);
        using Tensor logits = model.forward(
            zeros(2, Columns, dtype: ScalarType.Float64), zeros(2, Columns, Dimension, dtype: ScalarType.Float64), zeros(2, 0, dtype: ScalarType.Float64));

        Assert.Equal([2L], logits.shape);
        Assert.DoesNotContain(model.named_parameters(), named => named.name is "linear.dense" or "attention.dense" || named.name.StartsWith("dot", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ModelName.LR, null, 0)]
    [InlineData(ModelName.DeepFM, null, 1e-5)]
    [InlineData(ModelName.LR, 0.25, 0.25)]
    [InlineData(ModelName.WDL, 0.0, 0)]
    public void Only_the_dense_linear_weights_are_regularized(ModelName name, double? option, double expected)
    {
        using CtrModel model = CtrModel.Create(Options(name) with { L2Linear = option }, Columns, Dimension, DenseColumns);

        Assert.All(model.DenseParameters(), parameter => Assert.Equal(parameter.Name == "linear.dense" ? expected : 0, parameter.L2));
    }

    private static ModelOptions Options(ModelName name) => new()
    {
        Name = name,
        DnnHiddenUnits = [8, 3],
        CinLayerSize = [6, 4],
        AttentionLayers = 2,
        AttentionSize = 3,
        SenetReduction = 2,
        BottomHiddenUnits = [5],
        Dtype = ElementType.Float64,
        Seed = 1,
    };

    private static CtrModel Model(ModelOptions options) => CtrModel.Create(options, Columns, Dimension, DenseColumns);

    [Theory]
    [InlineData(4, 2, 1)]
    [InlineData(2, 4, 2)]
    [InlineData(3, 3, 3)]
    public void Narrow_columns_are_projected_to_the_dimension_of_the_model(params int[] dimensions)
    {
        using DisposeScope scope = NewDisposeScope();
        CtrModel model = CtrModel.Create(Options(ModelName.DeepFM), Columns, Dimension, DenseColumns, dimensions);
        Randomize(model);
        CtrModel plain = Model(Options(ModelName.DeepFM));
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(named => named.name, named => named.parameter);
        using (no_grad())
        {
            foreach ((string name, Parameter parameter) in plain.named_parameters())
            {
                parameter.copy_(parameters[name]);
            }
        }

        (Tensor linear, Tensor embeddings, Tensor dense) = Inputs();
        Tensor[] projected = [.. Enumerable.Range(0, Columns).Select(Project)];

        double[] expected = plain.forward(linear, stack(projected, 1), dense).data<double>().ToArray();
        double[] actual = model.forward(linear, embeddings, dense).data<double>().ToArray();

        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * Math.Max(1, Math.Abs(pair.First))));

        Tensor Project(int column)
        {
            int width = dimensions[column];
            int place = dimensions.Take(column).Count(other => other == width);
            Tensor whole = embeddings.select(1, column);
            return width == Dimension ? whole : whole.narrow(1, 0, width).matmul(parameters[$"projection.{width}"][place]);
        }
    }

    /// <summary>Gives the biases, which start at zero, values too.</summary>
    private static void Randomize(CtrModel model)
    {
        using var noGradients = no_grad();
        var generator = new Generator(3);
        foreach (Parameter parameter in model.parameters())
        {
            parameter.copy_(randn(parameter.shape, dtype: ScalarType.Float64, generator: generator));
        }
    }

    private static (Tensor Linear, Tensor Embeddings, Tensor Dense) Inputs()
    {
        var generator = new Generator(4);
        return (
            randn([Batch, Columns], dtype: ScalarType.Float64, generator: generator),
            randn([Batch, Columns, Dimension], dtype: ScalarType.Float64, generator: generator),
            randn([Batch, DenseColumns], dtype: ScalarType.Float64, generator: generator));
    }
}
