using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using OptimizerOptions = OpenEmbedding.EmbeddingPs.Optimizers.OptimizerOptions;

namespace OpenEmbedding.Trainer;

/// <summary>The rule that the servers apply in the place of a torch optimizer, with the same parameters.</summary>
/// <param name="Optimizer">The rule of every row.</param>
/// <param name="L2">L2 regularization, half of torch's weight decay.</param>
internal sealed record SparseRule(OptimizerOptions Optimizer, double L2)
{
    /// <summary>Translates the first parameter group of a torch optimizer.</summary>
    /// <exception cref="OpenEmbeddingException">The optimizer, or an option of it, has no lazy rule.</exception>
    public static SparseRule From(torch.optim.Optimizer optimizer)
    {
        torch.optim.ILearningRateController group = optimizer.ParamGroups.First();
        double learningRate = group.LearningRate;
        return group switch
        {
            SGD.ParamGroup { Options: var o } => new SparseRule(
                new SgdOptions
                {
                    LearningRate = learningRate,
                    Momentum = Plain(o.momentum, o.dampening, "dampening") ?? 0,
                    Nesterov = o.nesterov ?? false,
                },
                HalfDecay(o.weight_decay, o.maximize)),
            Adagrad.ParamGroup { Options: var o } => new SparseRule(
                new AdagradOptions
                {
                    LearningRate = learningRate,
                    InitialAccumulatorValue = Plain(o.initial_accumulator_value, o.lr_decay, "lr_decay") ?? 0,
                    Epsilon = o.eps ?? 1e-10,
                },
                HalfDecay(o.weight_decay, null)),
            Adadelta.ParamGroup { Options: var o } => new SparseRule(
                new AdadeltaOptions { LearningRate = learningRate, Rho = o.rho ?? 0.9, Epsilon = o.eps ?? 1e-6 },
                HalfDecay(o.weight_decay, o.maximize)),
            Adam.ParamGroup { Options: var o } => new SparseRule(
                new AdamOptions
                {
                    LearningRate = learningRate,
                    Beta1 = o.beta1 ?? 0.9,
                    Beta2 = o.beta2 ?? 0.999,
                    Epsilon = o.eps ?? 1e-8,
                    Amsgrad = o.amsgrad ?? false,
                },
                HalfDecay(o.weight_decay, o.maximize)),
            Adamax.ParamGroup { Options: var o } => new SparseRule(
                new AdamaxOptions { LearningRate = learningRate, Beta1 = o.beta1 ?? 0.9, Beta2 = o.beta2 ?? 0.999, Epsilon = o.eps ?? 1e-8 },
                HalfDecay(o.weight_decay, null)),
            NAdam.ParamGroup { Options: var o } => new SparseRule(
                new NadamOptions
                {
                    LearningRate = learningRate,
                    Beta1 = o.beta1 ?? 0.9,
                    Beta2 = o.beta2 ?? 0.999,
                    Epsilon = o.eps ?? 1e-8,
                    ScheduleDecay = o.momentum_decay ?? 0.004,
                },
                HalfDecay(o.weight_decay, null)),
            RMSProp.ParamGroup { Options: var o } => new SparseRule(
                new RmspropOptions
                {
                    LearningRate = learningRate,
                    Rho = o.alpha ?? 0.99,
                    Momentum = o.momentum ?? 0,
                    Epsilon = o.eps ?? 1e-8,
                    Centered = o.centered ?? false,
                },
                HalfDecay(o.weight_decay, o.maximize)),
            _ => throw new OpenEmbeddingException(
                $"optimizer {optimizer.GetType().Name} has no rule for embedding rows; allowed: SGD, Adagrad, Adadelta, Adam, Adamax, NAdam, RMSProp, "
                + "or give the rows a rule of their own with DistributedOptimizer(optimizer, sparseOptions)",
                JobExitCode.Configuration),
        };
    }

    private static double? Plain(double? value, double? mustBeZero, string name) => mustBeZero is null or 0
        ? value
        : throw new OpenEmbeddingException($"{name} = {mustBeZero} has no lazy rule for embedding rows; allowed: 0", JobExitCode.Configuration);

    private static double HalfDecay(double? weightDecay, bool? maximize) => maximize != true
        ? (weightDecay ?? 0) / 2
        : throw new OpenEmbeddingException("maximize has no rule for embedding rows; negate the loss instead", JobExitCode.Configuration);
}
