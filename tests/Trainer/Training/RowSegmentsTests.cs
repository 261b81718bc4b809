using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Training;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Training;

/// <summary>The gradients of a batch's slots by row, against a loop.</summary>
public sealed class RowSegmentsTests
{
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(1000, 1, false)]
    [InlineData(1000, 9, false)]
    [InlineData(1000, 9, true)]
    [InlineData(20_000, 3, true)]
    public void Sums_are_those_of_a_loop(int samples, int dimension, bool hasEmptySlots)
    {
        const int Slots = 5;
        int[][] sections = [[0], [1, 3], [2, 4]];
        int[] rowsOf = [1, Math.Max(1, samples / 2), 3];
        var random = new Random(1024);
        int[] index = Draw(random, samples, Slots, sections, rowsOf, hasEmptySlots);
        double[] gradients = [.. Enumerable.Range(0, samples * Slots * dimension).Select(_ => (double)random.Next(-100, 100))];
        using RowSegments segments = Segments(samples, Slots, index, sections, rowsOf);
        using var sum = new SegmentSum(CPU);
        using Tensor lists = tensor(ListsOf(segments));
        using Tensor slots = tensor(gradients).view(-1, dimension);

        using Tensor sums = sum.Of(slots, lists, segments);

        Assert.Equal(Loop(index, gradients, rowsOf.Sum(), dimension), sums.data<double>().ToArray());
        Assert.Equal([rowsOf.Sum(), dimension], sums.shape);
    }

    [Fact]
    public void Slots_of_a_row_keep_their_order_and_no_piece_is_longer_than_told()
    {
        const int Samples = 10_000;
        int[] index = [.. Enumerable.Range(0, Samples).Select(sample => sample % 7 == 0 ? 1 : 0)];
        using RowSegments segments = Segments(Samples, 1, index, [[0]], [2]);

        int[] lists = ListsOf(segments);

        int[] starts = lists[segments.Slots..(segments.Slots + segments.Pieces)];
        int[] rows = lists[(segments.Slots + segments.Pieces)..];
        Assert.Equal(100, segments.PieceLength);
        Assert.All(starts.Zip([.. starts[1..], segments.Slots]), piece => Assert.InRange(piece.Second - piece.First, 1, segments.PieceLength));
        Assert.Equal(Enumerable.Range(0, Samples).OrderBy(sample => index[sample]), lists[..segments.Slots]);
        Assert.Equal([0, 86], rows);
    }

    private static int[] Draw(Random random, int samples, int slots, int[][] sections, int[] rowsOf, bool hasEmptySlots)
    {
        int[] index = new int[samples * slots];
        int first = 0;
        for (int section = 0; section < sections.Length; section++)
        {
            int next = 0;
            for (int sample = 0; sample < samples; sample++)
            {
                foreach (int slot in sections[section])
                {
                    // Every row occurs, as in a plan; the others are mostly the first ones.
                    int row = next < rowsOf[section] ? next++ : (int)(rowsOf[section] * Math.Pow(random.NextDouble(), 4));
                    index[(sample * slots) + slot] = hasEmptySlots && row == 0 && sample > 0 ? -1 : first + row;
                }
            }

            first += rowsOf[section];
        }

        return index;
    }

    private static RowSegments Segments(int samples, int slots, int[] index, int[][] sections, int[] rowsOf)
    {
        var segments = new RowSegments(HostMemory.Aligned, sections.Length);
        int[] firsts = [.. rowsOf.Select((_, section) => rowsOf[..section].Sum())];
        long[][] positions = [.. sections.Zip(firsts, (own, first) => PositionsOf(index, slots, own, first))];

        // Twice, as in a plan that is used again.
        for (int batch = 0; batch < 2; batch++)
        {
            segments.Begin(samples, rowsOf.Sum());
            for (int section = 0; section < sections.Length; section++)
            {
                segments.Count(section, positions[section], firsts[section], rowsOf[section]);
            }

            segments.Lay();
            for (int section = 0; section < sections.Length; section++)
            {
                segments.Fill(section, positions[section], firsts[section], rowsOf[section], index.Contains(-1) ? index : [], slots, sections[section]);
            }
        }

        return segments;
    }

    private static long[] PositionsOf(int[] index, int slots, int[] own, int first) =>
    [
        .. Enumerable.Range(0, index.Length / slots).SelectMany(sample => own.Select(slot => index[(sample * slots) + slot])).Where(row => row >= 0).Select(row => (long)row - first),
    ];

    private static unsafe int[] ListsOf(RowSegments segments) => new Span<int>((int*)segments.Address, segments.Length).ToArray();

    private static double[] Loop(int[] index, double[] gradients, int rows, int dimension)
    {
        double[] sums = new double[rows * dimension];
        for (int slot = 0; slot < index.Length; slot++)
        {
            for (int i = 0; i < dimension && index[slot] >= 0; i++)
            {
                sums[(index[slot] * dimension) + i] += gradients[(slot * dimension) + i];
            }
        }

        return sums;
    }
}
