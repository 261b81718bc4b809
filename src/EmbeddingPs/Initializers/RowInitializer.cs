using System.Diagnostics;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>Gives the initial weights of a row; they depend on (seed, table, key, element) only, so every shard of any number of shards gives the same.</summary>
/// <remarks>Thread-safe. Float32 weights are the float64 weights rounded.</remarks>
internal abstract class RowInitializer
{
    private protected RowInitializer()
    {
    }

    /// <summary>Makes the initializer of one table; an option out of its range is an error.</summary>
    public static RowInitializer Create(InitializerOptions options, long seed, string table, ElementType elementType)
    {
        Check(options, table);
        ulong name = XxHash64.HashToUInt64(MemoryMarshal.AsBytes(table.AsSpan()));
        ulong tableSeed = CounterRandom.Mix(CounterRandom.Mix((ulong)seed) ^ name);
        return elementType == ElementType.Float32 ? Create<float>(options, tableSeed) : Create<double>(options, tableSeed);
    }

    /// <summary>Writes the initial weights of <paramref name="key"/> to <paramref name="weights"/>, [dimension].</summary>
    public abstract void Fill(long key, nint weights, int dimension);

    private static RowInitializer Create<T>(InitializerOptions options, ulong tableSeed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        return options switch
        {
            ConstantOptions o => new ConstantInitializer<T>(o.Value),
            RandomNormalOptions o => new NormalInitializer<T>(tableSeed, o.Mean, o.Stddev, double.PositiveInfinity),
            TruncatedNormalOptions o => new NormalInitializer<T>(tableSeed, o.Mean, o.Stddev, 2),
            RandomUniformOptions o => new UniformInitializer<T>(tableSeed, o.Minimum, o.Maximum),
            _ => throw new UnreachableException($"No initializer for {options.GetType().Name}."),
        };
    }

    private static void Check(InitializerOptions options, string table)
    {
        string? wrong = options switch
        {
            ConstantOptions o when !double.IsFinite(o.Value) => $"value must be finite, not {o.Value}",
            RandomNormalOptions o when !double.IsFinite(o.Mean) => $"mean must be finite, not {o.Mean}",
            RandomNormalOptions o when !IsSpread(o.Stddev) => $"stddev must be at least 0, not {o.Stddev}",
            TruncatedNormalOptions o when !double.IsFinite(o.Mean) => $"mean must be finite, not {o.Mean}",
            TruncatedNormalOptions o when !IsSpread(o.Stddev) => $"stddev must be at least 0, not {o.Stddev}",
            RandomUniformOptions o when !double.IsFinite(o.Minimum) => $"minimum must be finite, not {o.Minimum}",
            RandomUniformOptions o when !IsSpread(o.Maximum - o.Minimum) => $"maximum must be at least the minimum {o.Minimum}, not {o.Maximum}",
            _ => null,
        };
        if (wrong is not null)
        {
            throw new OpenEmbeddingException($"Table {table}: initializer {wrong}.", JobExitCode.Configuration);
        }
    }

    private static bool IsSpread(double value) => value >= 0 && double.IsFinite(value);
}
