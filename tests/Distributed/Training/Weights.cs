using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>The arrays of a safetensors file, read independently of the writer.</summary>
internal sealed class Weights
{
    private readonly Dictionary<string, double[]> _arrays = [];

    private Weights()
    {
    }

    public IEnumerable<string> Names => _arrays.Keys.Order(StringComparer.Ordinal);

    public double[] this[string name] => _arrays[name];

    public static Weights Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(sizeof(ulong), headerLength));
        var weights = new Weights();
        foreach (JsonProperty array in header.RootElement.EnumerateObject())
        {
            if (array.Name == "__metadata__")
            {
                continue;
            }

            int[] range = [.. array.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
            ReadOnlySpan<byte> data = file.AsSpan(sizeof(ulong) + headerLength + range[0], range[1] - range[0]);
            weights._arrays[array.Name] = array.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => [.. MemoryMarshal.Cast<byte, float>(data).ToArray().Select(value => (double)value)],
                "F64" => MemoryMarshal.Cast<byte, double>(data).ToArray(),
                "I64" => [.. MemoryMarshal.Cast<byte, long>(data).ToArray().Select(value => (double)value)],
                string other => throw new InvalidDataException($"{path}: {array.Name} has type {other}"),
                null => throw new InvalidDataException($"{path}: {array.Name} has no type"),
            };
        }

        return weights;
    }

    /// <summary>The largest ‖Δ‖/‖w‖ over all arrays; keys must be equal.</summary>
    public double DistanceTo(Weights other)
    {
        Assert.Equal(Names, other.Names);
        double worst = 0;
        foreach (string name in Names)
        {
            double[] mine = this[name];
            double[] theirs = other[name];
            Assert.Equal(mine.Length, theirs.Length);
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < mine.Length; i++)
            {
                difference += (mine[i] - theirs[i]) * (mine[i] - theirs[i]);
                norm += mine[i] * mine[i];
            }

            if (difference > 0)
            {
                worst = Math.Max(worst, Math.Sqrt(difference / Math.Max(norm, double.Epsilon)));
            }
        }

        return worst;
    }

    /// <summary>The largest ‖Δ‖/‖w‖ over the arrays, of tables over the keys that both have: a dense update also moves rows never touched.</summary>
    public double DistanceOnSharedKeysTo(Weights other)
    {
        double worst = 0;
        foreach (string name in Names.Where(name => !name.EndsWith("/keys", StringComparison.Ordinal)))
        {
            (double[] mine, double[] theirs) = name.StartsWith("table/", StringComparison.Ordinal)
                ? Shared(other, name)
                : (this[name], other[name]);
            double difference = Math.Sqrt(mine.Zip(theirs, (a, b) => (a - b) * (a - b)).Sum());
            double norm = Math.Sqrt(mine.Sum(a => a * a));
            worst = Math.Max(worst, difference > 0 ? difference / Math.Max(norm, double.Epsilon) : 0);
        }

        return worst;
    }

    private (double[] Mine, double[] Theirs) Shared(Weights other, string name)
    {
        string keysName = name.Replace("/weights", "/keys", StringComparison.Ordinal);
        double[] keys = this[keysName];
        int dimension = this[name].Length / Math.Max(1, keys.Length);
        Dictionary<double, int> places = other[keysName].Select((key, place) => (key, place)).ToDictionary(pair => pair.key, pair => pair.place);
        var mine = new List<double>();
        var theirs = new List<double>();
        for (int row = 0; row < keys.Length; row++)
        {
            if (places.TryGetValue(keys[row], out int place))
            {
                mine.AddRange(this[name].AsSpan(row * dimension, dimension));
                theirs.AddRange(other[name].AsSpan(place * dimension, dimension));
            }
        }

        Assert.NotEmpty(mine);
        return ([.. mine], [.. theirs]);
    }
}
