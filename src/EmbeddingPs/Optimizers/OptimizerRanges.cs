using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>The ranges that optimizer options allow.</summary>
internal static class OptimizerRanges
{
    /// <summary>Throws, with the option, its value and what is allowed, if one is out of its range.</summary>
    public static void Check(OptimizerOptions options)
    {
        Require(options, "learning rate", options.LearningRate, options.LearningRate > 0, "above 0");
        switch (options)
        {
            case SgdOptions o:
                RequireDecay(o, "momentum", o.Momentum);
                break;
            case AdagradOptions o:
                RequireNotNegative(o, "initial accumulator value", o.InitialAccumulatorValue);
                RequireNotNegative(o, "epsilon", o.Epsilon);
                break;
            case AdadeltaOptions o:
                RequireDecay(o, "rho", o.Rho);
                RequirePositive(o, "epsilon", o.Epsilon);
                break;
            case AdamOptions o:
                RequireDecay(o, "beta_1", o.Beta1);
                RequireDecay(o, "beta_2", o.Beta2);
                RequirePositive(o, "epsilon", o.Epsilon);
                break;
            case AdamaxOptions o:
                RequireDecay(o, "beta_1", o.Beta1);
                RequireDecay(o, "beta_2", o.Beta2);
                RequirePositive(o, "epsilon", o.Epsilon);
                break;
            case NadamOptions o:
                RequireDecay(o, "beta_1", o.Beta1);
                RequireDecay(o, "beta_2", o.Beta2);
                RequirePositive(o, "epsilon", o.Epsilon);
                RequireNotNegative(o, "schedule decay", o.ScheduleDecay);
                break;
            case RmspropOptions o:
                RequireDecay(o, "rho", o.Rho);
                RequireDecay(o, "momentum", o.Momentum);
                RequirePositive(o, "epsilon", o.Epsilon);
                break;
            case FtrlOptions o:
                Require(o, "learning rate power", o.LearningRatePower, o.LearningRatePower <= 0, "at most 0");
                RequireNotNegative(o, "initial accumulator value", o.InitialAccumulatorValue);
                RequireNotNegative(o, "l1", o.L1);
                RequireNotNegative(o, "l2", o.L2);
                RequireNotNegative(o, "l2 shrinkage", o.L2Shrinkage);
                RequireNotNegative(o, "beta", o.Beta);
                break;
        }
    }

    private static void RequireDecay(OptimizerOptions options, string name, double value)
    {
        Require(options, name, value, value is >= 0 and < 1, "in [0, 1)");
    }

    private static void RequirePositive(OptimizerOptions options, string name, double value)
    {
        Require(options, name, value, value > 0, "above 0");
    }

    private static void RequireNotNegative(OptimizerOptions options, string name, double value)
    {
        Require(options, name, value, value >= 0, "at least 0");
    }

    private static void Require(OptimizerOptions options, string name, double value, bool holds, string allowed)
    {
        if (!holds || !double.IsFinite(value))
        {
            string rule = options.RuleName();
            throw new OpenEmbeddingException($"{rule}: {name} must be {allowed}, not {value}.", JobExitCode.Configuration);
        }
    }
}
