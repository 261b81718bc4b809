using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using OptimizerOptions = OpenEmbedding.EmbeddingPs.Optimizers.OptimizerOptions;

namespace OpenEmbedding.Trainer.Tests.Models;

/// <summary>
/// Torch's own optimizers are the reference. Torch adds epsilon elsewhere in RMSprop and the Adam family, so there it is too small to matter;
/// where it does matter is tested with the rules themselves.
/// </summary>
public sealed class DenseOptimizerTests
{
    private const int Steps = 60;
    private const double Lr = 0.05;
    private const double Tiny = 1e-30;

    public static TheoryData<string, OptimizerOptions, Func<Parameter[], double, optim.Optimizer>> Rules => new()
    {
        { "sgd", new SgdOptions { LearningRate = Lr }, (p, decay) => optim.SGD(p, Lr, weight_decay: decay) },
        { "momentum", new SgdOptions { LearningRate = Lr, Momentum = 0.9 }, (p, decay) => optim.SGD(p, Lr, momentum: 0.9, weight_decay: decay) },
        {
            "nesterov", new SgdOptions { LearningRate = Lr, Momentum = 0.9, Nesterov = true },
            (p, decay) => optim.SGD(p, Lr, momentum: 0.9, weight_decay: decay, nesterov: true)
        },
        {
            "adagrad", new AdagradOptions { LearningRate = Lr, InitialAccumulatorValue = 0.1, Epsilon = 1e-3 },
            (p, decay) => optim.Adagrad(p, Lr, weight_decay: decay, initial_accumulator_value: 0.1, eps: 1e-3)
        },
        {
            "adadelta", new AdadeltaOptions { LearningRate = 1, Rho = 0.9, Epsilon = 1e-3 },
            (p, decay) => optim.Adadelta(p, 1, rho: 0.9, eps: 1e-3, weight_decay: decay)
        },
        { "adam", new AdamOptions { LearningRate = Lr, Epsilon = Tiny }, (p, decay) => optim.Adam(p, Lr, eps: Tiny, weight_decay: decay) },
        {
            "amsgrad", new AdamOptions { LearningRate = Lr, Epsilon = Tiny, Amsgrad = true },
            (p, decay) => optim.Adam(p, Lr, eps: Tiny, weight_decay: decay, amsgrad: true)
        },
        { "adamax", new AdamaxOptions { LearningRate = Lr, Epsilon = Tiny }, (p, decay) => optim.Adamax(p, Lr, eps: Tiny, weight_decay: decay) },
        { "nadam", new NadamOptions { LearningRate = Lr, Epsilon = 1e-3 }, (p, decay) => optim.NAdam(p, Lr, eps: 1e-3, weight_decay: decay) },
        {
            "rmsprop", new RmspropOptions { LearningRate = Lr, Rho = 0.8, Epsilon = Tiny },
            (p, decay) => optim.RMSProp(p, Lr, alpha: 0.8, eps: Tiny, weight_decay: decay)
        },
        {
            "rmsprop with momentum", new RmspropOptions { LearningRate = Lr, Rho = 0.8, Momentum = 0.7, Epsilon = Tiny },
            (p, decay) => optim.RMSProp(p, Lr, alpha: 0.8, eps: Tiny, weight_decay: decay, momentum: 0.7)
        },
        {
            "centered rmsprop", new RmspropOptions { LearningRate = Lr, Rho = 0.8, Epsilon = Tiny, Centered = true },
            (p, decay) => optim.RMSProp(p, Lr, alpha: 0.8, eps: Tiny, weight_decay: decay, centered: true)
        },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Steps_equal_those_of_torch(string rule, OptimizerOptions options, Func<Parameter[], double, optim.Optimizer> torchs)
    {
        foreach (double l2 in new[] { 0, 0.01 })
        {
            Compare(ScalarType.Float64, rule, options, torchs, l2, tolerance: 1e-11);
            Compare(ScalarType.Float32, rule, options, torchs, l2, tolerance: 2e-4);
        }
    }

    [Fact]
    public void Gradients_lie_flat_in_the_order_of_the_parameters()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Parameters(ScalarType.Float64);
        using var optimizer = Ours(parameters, new SgdOptions(), l2: 0);
        (parameters[0].sum() + (parameters[1] * 2).sum()).backward();

        optimizer.CollectGradients();

        Assert.Equal(parameters.Sum(parameter => parameter.numel()), optimizer.Count);
        Assert.Equal(
            [.. Enumerable.Repeat(1.0, (int)parameters[0].numel()), .. Enumerable.Repeat(2.0, (int)parameters[1].numel()), 0],
            Flat(optimizer).ToArray());
        optimizer.ZeroGradients();
        Assert.Equal(-1, Flat(optimizer).IndexOfAnyExcept(0));
        Assert.Null(parameters[0].grad);
    }

    [Theory]
    [InlineData(ElementType.Float16, ScalarType.Float32, 1e-3)]
    [InlineData(ElementType.BFloat16, ScalarType.Float32, 8e-3)]
    [InlineData(ElementType.BFloat16, ScalarType.Float64, 8e-3)]
    [InlineData(ElementType.Float32, ScalarType.Float64, 1e-7)]
    public void Only_gradients_that_travel_are_rounded(ElementType sent, ScalarType type, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Parameters(type);
        Parameter[] exact = Parameters(type);
        using var optimizer = Ours(parameters, new SgdOptions { LearningRate = 1 }, l2: 0, sent);
        using var reference = Ours(exact, new SgdOptions { LearningRate = 1 }, l2: 0);
        Assert.Equal(sent, optimizer.SentType);
        foreach ((DenseOptimizer rule, Parameter[] weights) in new[] { (optimizer, parameters), (reference, exact) })
        {
            rule.ZeroGradients();
            (weights[0].pow(2).sum() + (weights[1] / 3).sum()).backward();
            rule.CollectGradients();
            rule.Step();
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            Tensor moved = (Parameters(type)[i] - exact[i]).abs().to_type(ScalarType.Float64);
            Tensor difference = (parameters[i] - exact[i]).abs().to_type(ScalarType.Float64);
            Assert.True((difference <= (moved * tolerance) + 1e-7).all().item<bool>(), $"{sent}, parameter {i}");
        }

        // A third has no end in any of these types; what no gradient reached stays.
        Assert.NotEqual(0, (parameters[1] - exact[1]).abs().max().to_type(ScalarType.Float64).item<double>());
        Assert.Equal(0, (parameters[2] - exact[2]).abs().max().to_type(ScalarType.Float64).item<double>());
        optimizer.ZeroGradients();
        optimizer.Step();
        Assert.Equal(0, (parameters[2] - exact[2]).abs().max().to_type(ScalarType.Float64).item<double>());
    }

    /// <summary>The learning rate of each step as torch's schedulers set it, gradients clipped as torch's functions do, parameter by parameter.</summary>
    [Theory]
    [InlineData(RateCurve.Exponential, null, null)]
    [InlineData(RateCurve.Cosine, 0.5, null)]
    [InlineData(RateCurve.Polynomial, null, 1.5)]
    public void Scheduled_and_clipped_steps_equal_those_of_torch(RateCurve curve, double? clipValue, double? clipNorm)
    {
        const int DecaySteps = 40;
        const double Rate = 0.9;
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Parameters(ScalarType.Float64);
        Parameter[] expected = Parameters(ScalarType.Float64);
        var schedule = new RateSchedule { Curve = curve, DecaySteps = curve == RateCurve.Exponential ? 1 : DecaySteps, DecayRate = Rate, Power = 2 };
        using var optimizer = new DenseOptimizer(
            parameters.Select((parameter, i) => new DenseParameter($"p{i}", parameter, 0)),
            new AdamOptions { LearningRate = Lr, Epsilon = Tiny },
            clipValue: clipValue,
            clipNorm: clipNorm);
        var reference = optim.Adam(expected, Lr, eps: Tiny);
        optim.lr_scheduler.LRScheduler scheduler = curve switch
        {
            RateCurve.Exponential => optim.lr_scheduler.ExponentialLR(reference, Rate),
            RateCurve.Cosine => optim.lr_scheduler.CosineAnnealingLR(reference, DecaySteps),
            _ => optim.lr_scheduler.PolynomialLR(reference, DecaySteps, 2),
        };
        var generator = new Generator(9);
        for (int step = 0; step < DecaySteps; step++)
        {
            optimizer.ZeroGradients();
            reference.zero_grad();
            for (int i = 0; i < parameters.Length; i++)
            {
                Tensor gradient = randn(parameters[i].shape, ScalarType.Float64, generator: generator);
                (parameters[i] * gradient).sum().backward();
                (expected[i] * gradient).sum().backward();
                Clip(expected[i]);
            }

            optimizer.CollectGradients();
            optimizer.Step(schedule.FactorAt(step));
            reference.step();
            scheduler.step();
        }

        // Torch adds 1e-6 to the norm that it divides by.
        double tolerance = clipNorm is null ? 1e-10 : 1e-5;
        Assert.All(parameters.Zip(expected), pair => Assert.InRange((pair.First - pair.Second).abs().max().item<double>(), 0, tolerance));

        void Clip(Parameter parameter)
        {
            if (clipValue is { } value)
            {
                nn.utils.clip_grad_value_([parameter], value);
            }

            if (clipNorm is { } norm)
            {
                nn.utils.clip_grad_norm_([parameter], norm);
            }
        }
    }

    [Fact]
    public void Parameters_of_two_types_are_refused()
    {
        using var single = new Parameter(zeros(2));
        using var wide = new Parameter(zeros(2, dtype: ScalarType.Float64));

        Assert.Throws<OpenEmbeddingException>(
            () => new DenseOptimizer([new DenseParameter("a", single, 0), new DenseParameter("b", wide, 0)], new SgdOptions()));
    }

    private static void Compare(
        ScalarType type, string rule, OptimizerOptions options, Func<Parameter[], double, optim.Optimizer> torchs, double l2, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Parameters(type);
        Parameter[] expected = Parameters(type);
        using var optimizer = Ours(parameters, options, l2);
        optim.Optimizer reference = torchs(expected, 2 * l2);
        var generator = new Generator(9);
        for (int step = 0; step < Steps; step++)
        {
            optimizer.ZeroGradients();
            reference.zero_grad();
            for (int i = 0; i < parameters.Length; i++)
            {
                Tensor gradient = randn(parameters[i].shape, type, generator: generator);
                (parameters[i] * gradient).sum().backward();
                (expected[i] * gradient).sum().backward();
            }

            optimizer.CollectGradients();
            optimizer.Step();
            reference.step();
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            double difference = (parameters[i] - expected[i]).abs().max().to_type(ScalarType.Float64).item<double>();
            Assert.True(difference <= tolerance, $"{rule}, {type}, l2 {l2}, parameter {i}: differs by {difference}");
        }
    }

    private static DenseOptimizer Ours(Parameter[] parameters, OptimizerOptions options, double l2, ElementType? sent = null) =>
        new(parameters.Select((parameter, i) => new DenseParameter($"p{i}", parameter, l2)), options, sent);

    private static unsafe Span<double> Flat(DenseOptimizer optimizer) => new((void*)optimizer.Gradients, (int)optimizer.Count);

    private static Parameter[] Parameters(ScalarType type)
    {
        var generator = new Generator(8);
        return [.. new long[][] { [7, 5], [33], [1] }.Select(shape => new Parameter(randn(shape, type, generator: generator)))];
    }
}
