using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

/// <summary>The eight rules for one weight, in double and as plainly as their formulas: powers of beta are running products, every state has its name.</summary>
internal sealed class ReferenceOptimizer(OptimizerOptions options)
{
    private readonly double _lr = options.LearningRate;
    private bool _started;
    private double _a;
    private double _d;
    private double _m;
    private double _v;
    private double _vMax;
    private double _q;
    private double _z;
    private double _beta1Power = 1;
    private double _beta2Power = 1;
    private double _product = 1;
    private int _t;

    public double Step(double w, double g)
    {
        if (!_started)
        {
            _started = true;
            _a = options switch
            {
                AdagradOptions o => o.InitialAccumulatorValue,
                FtrlOptions o => o.InitialAccumulatorValue,
                _ => 0,
            };
        }

        return options switch
        {
            SgdOptions o => Sgd(o, w, g),
            AdagradOptions o => Adagrad(o, w, g),
            AdadeltaOptions o => Adadelta(o, w, g),
            AdamOptions o => Adam(o, w, g),
            AdamaxOptions o => Adamax(o, w, g),
            NadamOptions o => Nadam(o, w, g),
            RmspropOptions o => Rmsprop(o, w, g),
            FtrlOptions o => Ftrl(o, w, g),
            _ => throw new ArgumentException(options.ToString()),
        };
    }

    private double Sgd(SgdOptions o, double w, double g)
    {
        _m = o.Momentum * _m + _lr * g;
        return o.Nesterov ? w - (o.Momentum * _m + _lr * g) : w - _m;
    }

    private double Adagrad(AdagradOptions o, double w, double g)
    {
        _a += g * g;
        return w - _lr * g / (Math.Sqrt(_a) + o.Epsilon);
    }

    private double Adadelta(AdadeltaOptions o, double w, double g)
    {
        _a = o.Rho * _a + (1 - o.Rho) * g * g;
        double u = g * Math.Sqrt(_d + o.Epsilon) / Math.Sqrt(_a + o.Epsilon);
        _d = o.Rho * _d + (1 - o.Rho) * u * u;
        return w - _lr * u;
    }

    private double Adam(AdamOptions o, double w, double g)
    {
        Moments(o.Beta1, o.Beta2, g);
        _vMax = Math.Max(_vMax, _v);
        double v = o.Amsgrad ? _vMax : _v;
        return w - _lr * Math.Sqrt(1 - _beta2Power) / (1 - _beta1Power) * _m / (Math.Sqrt(v) + o.Epsilon);
    }

    private double Adamax(AdamaxOptions o, double w, double g)
    {
        double u = Math.Max(o.Beta2 * _a, Math.Abs(g));
        _a = u;
        Moments(o.Beta1, o.Beta2, g);
        return w - _lr / (1 - _beta1Power) * _m / (u + o.Epsilon);
    }

    private double Nadam(NadamOptions o, double w, double g)
    {
        Moments(o.Beta1, o.Beta2, g);
        _t++;
        double mu = o.Beta1 * (1 - 0.5 * Math.Pow(0.96, o.ScheduleDecay * _t));
        double nextMu = o.Beta1 * (1 - 0.5 * Math.Pow(0.96, o.ScheduleDecay * (_t + 1)));
        _product *= mu;
        double gHat = g / (1 - _product);
        double mHat = _m / (1 - _product * nextMu);
        double vHat = _v / (1 - _beta2Power);
        return w - _lr * ((1 - mu) * gHat + nextMu * mHat) / (Math.Sqrt(vHat) + o.Epsilon);
    }

    private double Rmsprop(RmspropOptions o, double w, double g)
    {
        _a = o.Rho * _a + (1 - o.Rho) * g * g;
        _m = o.Rho * _m + (1 - o.Rho) * g;
        double s = o.Centered ? _a - _m * _m : _a;
        _q = o.Momentum * _q + _lr * g / Math.Sqrt(s + o.Epsilon);
        return w - _q;
    }

    private double Ftrl(FtrlOptions o, double w, double g)
    {
        double p = o.LearningRatePower;
        double lambda = o.L2 + o.Beta / (2 * _lr);
        double shrunk = g + 2 * o.L2Shrinkage * w;
        double next = _a + g * g;
        _z += shrunk - (Math.Pow(next, -p) - Math.Pow(_a, -p)) / _lr * w;
        _a = next;
        return (Math.Clamp(_z, -o.L1, o.L1) - _z) / (Math.Pow(_a, -p) / _lr + 2 * lambda);
    }

    private void Moments(double beta1, double beta2, double g)
    {
        _m = beta1 * _m + (1 - beta1) * g;
        _v = beta2 * _v + (1 - beta2) * g * g;
        _beta1Power *= beta1;
        _beta2Power *= beta2;
    }
}
