using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

/// <summary>Every rule with its defaults and with every option away from them.</summary>
internal static class OptimizerCases
{
    public static IReadOnlyDictionary<string, OptimizerOptions> ByName { get; } = new Dictionary<string, OptimizerOptions>
    {
        ["sgd"] = new SgdOptions(),
        ["momentum"] = new SgdOptions { LearningRate = 0.02, Momentum = 0.9 },
        ["nesterov"] = new SgdOptions { LearningRate = 0.02, Momentum = 0.8, Nesterov = true },
        ["adagrad"] = new AdagradOptions(),
        ["adagrad, empty start"] = new AdagradOptions { LearningRate = 0.05, InitialAccumulatorValue = 0, Epsilon = 1e-3 },
        ["adadelta"] = new AdadeltaOptions { LearningRate = 1 },
        ["adadelta, short memory"] = new AdadeltaOptions { Rho = 0.6, Epsilon = 1e-4, LearningRate = 0.5 },
        ["adam"] = new AdamOptions(),
        ["amsgrad"] = new AdamOptions { LearningRate = 0.01, Beta1 = 0.7, Beta2 = 0.9, Amsgrad = true },
        ["adam, no memory"] = new AdamOptions { Beta1 = 0, Beta2 = 0, Epsilon = 0.1 },
        ["adamax"] = new AdamaxOptions(),
        ["adamax, short memory"] = new AdamaxOptions { LearningRate = 0.02, Beta1 = 0.5, Beta2 = 0.6, Epsilon = 1e-3 },
        ["nadam"] = new NadamOptions(),
        ["nadam, fast schedule"] = new NadamOptions { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.95, ScheduleDecay = 0.5 },
        ["nadam, no schedule"] = new NadamOptions { ScheduleDecay = 0 },
        ["rmsprop"] = new RmspropOptions(),
        ["rmsprop, momentum"] = new RmspropOptions { LearningRate = 0.002, Rho = 0.8, Momentum = 0.7 },
        ["rmsprop, centered"] = new RmspropOptions { Rho = 0.8, Centered = true, Epsilon = 1e-3 },
        ["rmsprop, momentum, centered"] = new RmspropOptions { Momentum = 0.6, Centered = true, Epsilon = 1e-3 },
        ["ftrl"] = new FtrlOptions(),
        ["ftrl, penalties"] = new FtrlOptions { LearningRate = 0.1, L1 = 0.2, L2 = 0.3, L2Shrinkage = 0.05, Beta = 0.4 },
        ["ftrl, other power"] = new FtrlOptions { LearningRate = 0.1, LearningRatePower = -0.7, L1 = 0.01, InitialAccumulatorValue = 0.5 },
        ["ftrl, constant rate"] = new FtrlOptions { LearningRate = 0.1, LearningRatePower = 0 },
    };

    public static TheoryData<string> Names => [.. ByName.Keys];
}
