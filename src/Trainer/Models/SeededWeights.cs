using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Initial values of dense parameters that depend on the seed, the parameter's name and the element only: the same on every rank.</summary>
internal sealed class SeededWeights(long seed, ScalarType type, Device device)
{
    /// <summary>Where the values lie.</summary>
    public Device Device => device;

    /// <summary>Normal with variance 2 / (fan in + fan out), cut at two standard deviations, as Keras draws it.</summary>
    public Tensor GlorotNormal(string name, long fanIn, long fanOut) => GlorotNormal(name, fanIn, fanOut, 1).squeeze(0);

    /// <summary>So many matrices of that kind, [matrices, fan in, fan out].</summary>
    public Tensor GlorotNormal(string name, long fanIn, long fanOut, long matrices)
    {
        const double StddevOfCutNormal = 0.87962566103423978;
        double scale = Math.Sqrt(2.0 / (fanIn + fanOut)) / StddevOfCutNormal;
        ulong counter = 0;
        ulong stream = Stream(name);
        return Fill([matrices, fanIn, fanOut], () =>
        {
            double value;
            do
            {
                double radius = Math.Sqrt(-2 * Math.Log(1 - Uniform(stream, counter++)));
                value = radius * Math.Cos(2 * Math.PI * Uniform(stream, counter++));
            }
            while (Math.Abs(value) > 2);
            return value * scale;
        });
    }

    /// <summary>Uniform in ±√(6 / (fan in + fan out)).</summary>
    public Tensor GlorotUniform(string name, long fanIn, long fanOut)
    {
        double limit = Math.Sqrt(6.0 / (fanIn + fanOut));
        ulong counter = 0;
        ulong stream = Stream(name);
        return Fill([fanIn, fanOut], () => ((2 * Uniform(stream, counter++)) - 1) * limit);
    }

    /// <summary>Zeros of any shape.</summary>
    public Tensor Zeros(params long[] shape) => zeros(shape, dtype: type, device: device);

    private static double Uniform(ulong stream, ulong counter) => (Mix(stream + (counter * 0x9E3779B97F4A7C15)) >> 11) * (1.0 / (1UL << 53));

    /// <summary>The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private ulong Stream(string name)
    {
        ulong stream = Mix((ulong)seed);
        foreach (char c in name)
        {
            stream = Mix(stream ^ c);
        }

        return stream;
    }

    private Tensor Fill(long[] shape, Func<double> draw)
    {
        double[] values = new double[shape.Aggregate(1L, (count, length) => count * length)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = draw();
        }

        return tensor(values, shape).to(type, device);
    }
}
