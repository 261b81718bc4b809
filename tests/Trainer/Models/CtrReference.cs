using OpenEmbedding.Trainer.Configuration;
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

    public double Dnn(double[][] v, double[] x) => Dnn(Flat(v, x));

    /// <summary>The deep part over any numbers.</summary>
    public double Dnn(double[] input) => Multiply(Layers(input, "dnn"), "dnn.output.weight")[0];

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

    /// <summary>x₀ ⊙ (W·x + b) + x, layer by layer.</summary>
    public double CrossNetwork(double[][] v, double[] x)
    {
        double[] first = Flat(v, x);
        double[] layer = first;
        for (int i = 0; parameters.ContainsKey($"cross.{i}.weight"); i++)
        {
            double[] inner = parameters.ContainsKey($"cross.{i}.narrow") ? Multiply(layer, $"cross.{i}.narrow") : layer;
            double[] mixed = Multiply(inner, $"cross.{i}.weight");
            double[] bias = Values($"cross.{i}.bias");
            layer = [.. layer.Select((value, k) => (first[k] * (mixed[k] + bias[k])) + value)];
        }

        return Multiply(layer, "cross.output.weight")[0];
    }

    /// <summary>Of each head and column the values of all columns by softmax of query times keys.</summary>
    public double Attention(double[][] v, double[] x, int heads)
    {
        double[][] e = [.. v, .. x.Select((value, i) => Row("attention.dense", i, v[0].Length).Select(k => k * value).ToArray())];
        for (int i = 0; parameters.ContainsKey($"attention.{i}.query"); i++)
        {
            double[][] queries = [.. e.Select(row => Multiply(row, $"attention.{i}.query"))];
            double[][] keys = [.. e.Select(row => Multiply(row, $"attention.{i}.key"))];
            double[][] values = [.. e.Select(row => Multiply(row, $"attention.{i}.value"))];
            double[][] residuals = [.. e.Select(row => Multiply(row, $"attention.{i}.residual"))];
            int size = queries[0].Length / heads;
            for (int m = 0; m < e.Length; m++)
            {
                for (int h = 0; h < heads; h++)
                {
                    Range head = (h * size)..((h + 1) * size);
                    double[] scores = [.. keys.Select(key => Math.Exp(Dot(queries[m][head], key[head])))];
                    for (int k = 0; k < size; k++)
                    {
                        residuals[m][(h * size) + k] += values.Select((value, j) => scores[j] / scores.Sum() * value[(h * size) + k]).Sum();
                    }
                }
            }

            e = [.. residuals.Select(row => row.Select(value => Math.Max(0, value)).ToArray())];
        }

        return Multiply([.. e.SelectMany(row => row)], "attention.output.weight")[0];
    }

    /// <summary>(vᵢ·W) ⊙ vⱼ of all pairs, plain and weighted, then the dense columns.</summary>
    public double[] Bilinear(double[][] v, double[] x, BilinearKind kind)
    {
        double[] means = [.. v.Select(row => row.Average())];
        double[] hidden = [.. Multiply(means, "bilinear.squeeze").Select(value => Math.Max(0, value))];
        double[] weights = [.. Multiply(hidden, "bilinear.excite").Select(value => Math.Max(0, value))];
        double[][] weighted = [.. v.Select((row, f) => row.Select(value => value * weights[f]).ToArray())];
        return [.. Products(v, "bilinear.original"), .. Products(weighted, "bilinear.weighted"), .. x];

        IEnumerable<double> Products(double[][] rows, string name)
        {
            int d = rows[0].Length;
            int pair = 0;
            for (int i = 0; i < rows.Length; i++)
            {
                for (int j = i + 1; j < rows.Length; j++, pair++)
                {
                    int matrix = kind switch { BilinearKind.All => 0, BilinearKind.Each => i, _ => pair };
                    for (int k = 0; k < d; k++)
                    {
                        yield return Enumerable.Range(0, d).Sum(c => rows[i][c] * Row(name, (matrix * d) + c, d)[k]) * rows[j][k];
                    }
                }
            }
        }
    }

    /// <summary>The bottom layers' vector, then the dot products of each vector with those before it.</summary>
    public double[] Dots(double[][] v, double[] x)
    {
        double[] z = Layers(x, "dot.bottom");
        double[][] vectors = [z, .. v];
        return [.. z, .. vectors.SelectMany((row, i) => vectors[..i].Select(other => Dot(row, other)))];
    }

    private static double[] Flat(double[][] v, double[] x) => [.. v.SelectMany(row => row), .. x];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (one, other) => one * other).Sum();

    private double[] Layers(double[] input, string name)
    {
        double[] layer = input;
        for (int i = 0; parameters.ContainsKey($"{name}.{i}.weight"); i++)
        {
            layer = [.. Multiply(layer, $"{name}.{i}.weight").Zip(Values($"{name}.{i}.bias"), (sum, bias) => Math.Max(0, sum + bias))];
        }

        return layer;
    }

    private double[] Row(string name, int row, int width) => Values(name)[(row * width)..((row + 1) * width)];

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
