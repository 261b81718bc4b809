using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Scales dense values, the same way on training and test rows.</summary>
/// <remarks>Immutable and thread-safe. The result for a value depends on the value and its column only, bit by bit.</remarks>
public sealed partial class DenseScale
{
    private const int SmallCounts = 4096;

    // (x − b) / k of Criteo's 1 TB set.
    private static readonly float[] _criteo1TbOffsets = [0, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly float[] _criteo1TbRanges =
        [5775, 257675, 65535, 969, 23159456, 431037, 56311, 6047, 29019, 11, 231, 4008, 7393];

    // Most values are small counts, whose logarithms are looked up.
    private static readonly float[] _logarithms = [.. Enumerable.Range(0, SmallCounts).Select(count => (float)Logarithm.OnePlus(count))];

    private readonly DenseScaling _scaling;
    private readonly double[] _offsets;
    private readonly double[] _factors;

    private DenseScale(DenseScaling scaling, double[] offsets, double[] factors)
    {
        _scaling = scaling;
        _offsets = offsets;
        _factors = factors;
    }

    /// <summary>Values as they are in the file.</summary>
    public static DenseScale None { get; } = new(DenseScaling.None, [], []);

    /// <summary>Makes the scale that the options name.</summary>
    /// <param name="options">The rule and the dense columns.</param>
    /// <param name="range">
    /// The ranges of the columns among all training rows, for <see cref="DenseScaling.MinMax"/>; null reads all the training rows for them
    /// now.
    /// </param>
    /// <exception cref="OpenEmbeddingException">
    /// Criteo's 1 TB constants with other than 13 dense columns; what reading rows throws.
    /// </exception>
    public static DenseScale Create(DataOptions options, DenseRange? range = null)
    {
        int columns = options.Dense.Count;
        switch (options.DenseScale)
        {
            case DenseScaling.MinMax:
                range ??= DenseRange.Read(options);
                return FromRanges(DenseScaling.MinMax, range.Minimums, range.Maximums);
            case DenseScaling.Criteo1Tb when columns != _criteo1TbOffsets.Length:
                throw new OpenEmbeddingException(
                    "data.dense_scale = \"criteo1tb\": "
                    + $"needs the {_criteo1TbOffsets.Length} dense columns of Criteo, data.dense has {columns}",
                    JobExitCode.Configuration);
            case DenseScaling.Criteo1Tb:
                float[] ends = [.. _criteo1TbOffsets.Zip(_criteo1TbRanges, (offset, width) => offset + width)];
                return FromRanges(DenseScaling.Criteo1Tb, _criteo1TbOffsets, ends);
            case DenseScaling.Log:
                return new DenseScale(DenseScaling.Log, [], []);
            default:
                return None;
        }
    }

    /// <summary>Scales values in place.</summary>
    /// <param name="values">Values as in the file, [rows, dense columns].</param>
    internal void Apply(Span<float> values)
    {
        switch (_scaling)
        {
            case DenseScaling.MinMax:
                Linear(values, clamp: true);
                break;
            case DenseScaling.Criteo1Tb:
                Linear(values, clamp: false);
                break;
            case DenseScaling.Log:
                Logarithms(values);
                break;
        }
    }

    private static DenseScale FromRanges(DenseScaling scaling, float[] minimums, float[] maximums)
    {
        // A column whose values are all equal, or that has none, becomes 0.
        double[] offsets = [.. minimums.Select(minimum => float.IsFinite(minimum) ? (double)minimum : 0)];
        double[] factors = [.. minimums.Zip(maximums, (low, high) => high > low ? 1 / ((double)high - low) : 0)];
        return new DenseScale(scaling, offsets, factors);
    }

    private static void Logarithms(Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float value = values[i];
            values[i] = value is >= 0 and < SmallCounts && (int)value == value
                ? _logarithms[(int)value]
                : MathF.CopySign((float)Logarithm.OnePlus(Math.Abs(value)), value);
        }
    }

    private void Linear(Span<float> values, bool clamp)
    {
        for (int row = 0; row < values.Length; row += _offsets.Length)
        {
            Span<float> fields = values.Slice(row, _offsets.Length);
            for (int column = 0; column < fields.Length; column++)
            {
                double scaled = (fields[column] - _offsets[column]) * _factors[column];
                fields[column] = (float)(clamp ? Math.Clamp(scaled, 0, 1) : scaled);
            }
        }
    }
}
