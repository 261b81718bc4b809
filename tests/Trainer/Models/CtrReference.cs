using TorchSharp.Modules;

namespace OpenEmbedding.Trainer.Tests.Models;

/// <summary>The models by plain loops over one sample, in double: v[f][k] embeddings, w[f] linear weights, x[i] dense columns.</summary>
internal sealed class CtrReference(IReadOnlyDictionary<string, Parameter> parameters)
{
    public double Bias => Values("bias")[0];

    public double Linear(double[] w, double[] x)
    {
        double sum = w.Sum();
        double[] k = Values("linear.dense");
        for (int i = 0; i < x.Length; i++)
        {
            sum += x[i] * k[i];
        }

        return sum;
    }

    public static double FactorizationMachine(double[][] v)
    {
        double sum = 0;
        for (int f = 0; f < v.Length; f++)
        {
            for (int g = f + 1; g < v.Length; g++)
            {
                for (int k = 0; k < v[f].Length; k++)
                {
                    sum += v[f][k] * v[g][k];
                }
            }
        }

        return sum;
    }

    public double Dnn(double[][] v, double[] x)
    {
        double[] layer = [.. v.SelectMany(row => row), .. x];
        for (int i = 0; parameters.ContainsKey($"dnn.{i}.weight"); i++)
        {
            layer = [.. Multiply(layer, $"dnn.{i}.weight").Zip(Values($"dnn.{i}.bias"), (sum, bias) => Math.Max(0, sum + bias))];
        }

        return Multiply(layer, "dnn.output.weight")[0];
    }

    /// <summary>Channel i · H + j of layer k is column i times map j of the layer before.</summary>
    public double CompressedInteraction(double[][] v, bool splitHalf)
    {
        double[][] maps = v;
        var output = new List<double>();
        for (int i = 0; parameters.ContainsKey($"cin.{i}.weight"); i++)
        {
            int size = Values($"cin.{i}.bias").Length;
            double[][] mixed = [.. Enumerable.Range(0, size).Select(_ => new double[v[0].Length])];
            for (int k = 0; k < v[0].Length; k++)
            {
                double[] products = [.. v.SelectMany(column => maps.Select(map => column[k] * map[k]))];
                double[] sums = Multiply(products, $"cin.{i}.weight");
                for (int s = 0; s < size; s++)
                {
                    mixed[s][k] = Math.Max(0, sums[s] + Values($"cin.{i}.bias")[s]);
                }
            }

            bool last = !parameters.ContainsKey($"cin.{i + 1}.weight");
            output.AddRange((splitHalf && !last ? mixed.Skip(size / 2) : mixed).Select(map => map.Sum()));
            maps = splitHalf ? mixed[..(size / 2)] : mixed;
        }

        return Multiply([.. output], "cin.output.weight")[0];
    }

    private double[] Values(string name) => parameters[name].data<double>().ToArray();

    private double[] Multiply(double[] row, string matrix)
    {
        double[] values = Values(matrix);
        int columns = values.Length / row.Length;
        Assert.Equal([row.Length, columns], parameters[matrix].shape);
        double[] result = new double[columns];
        for (int i = 0; i < row.Length; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                result[j] += row[i] * values[(i * columns) + j];
            }
        }

        return result;
    }
}
