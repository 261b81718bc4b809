using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Observation.TensorBoard;

/// <summary>The values of a step, each with its name: TensorFlow's <c>Summary</c>.</summary>
/// <remarks>
/// <code>
/// Summary        = { value = 1, repeated }
/// value          = { tag = 1, simple_value = 2 (float) | histo = 5 }
/// HistogramProto = { min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6 (packed), bucket = 7 (packed) }     all double
/// </code>
/// Source: summary.proto of TensorFlow.
/// </remarks>
internal sealed class EventValues
{
    // Bounds of the buckets grow by this factor from the smallest on, as in TensorFlow's histograms.
    private const double Growth = 1.1;
    private const double SmallestBound = 1e-12;

    /// <summary>The message.</summary>
    public ProtobufMessage Message { get; } = new();

    /// <summary>Adds a number; null adds none.</summary>
    public EventValues Scalar(string tag, double? value)
    {
        if (value is { } number)
        {
            Message.Message(1, new ProtobufMessage().Text(1, tag).Fixed32(2, BitConverter.SingleToUInt32Bits((float)number)));
        }

        return this;
    }

    /// <summary>Adds the distribution of numbers that are not negative; without a finite one, none.</summary>
    public EventValues Histogram(string tag, IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite).Order()];
        if (finite.Length == 0)
        {
            return this;
        }

        var bounds = new List<double>();
        var counts = new List<double>();
        foreach (var bucket in finite.GroupBy(BoundOf))
        {
            bounds.Add(bucket.Key);
            counts.Add(bucket.Count());
        }

        ProtobufMessage histogram = new ProtobufMessage()
            .Double(1, finite[0])
            .Double(2, finite[^1])
            .Double(3, finite.Length)
            .Double(4, finite.Sum())
            .Double(5, finite.Sum(value => value * value))
            .Binary(6, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(bounds)))
            .Binary(7, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(counts)));
        Message.Message(1, new ProtobufMessage().Text(1, tag).Message(5, histogram));
        return this;
    }

    /// <summary>The upper bound of a value's bucket.</summary>
    private static double BoundOf(double value) =>
        value <= SmallestBound ? SmallestBound : SmallestBound * Math.Pow(Growth, Math.Ceiling(Math.Log(value / SmallestBound, Growth)));
}
