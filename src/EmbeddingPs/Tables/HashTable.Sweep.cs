using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Growth;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Which rows go.</content>
internal sealed unsafe partial class HashTable
{
    // What is left of a full table, in percent of the limit: so many that a sweep has not to evict at every time.
    private const int KeptPercent = 90;

    private delegate void RowVisitor(long key, nint row);

    private void Sweep(GrowthOptions growth)
    {
        long before = RowsRemoved;
        long oldest = growth.MaxIdleSteps is { } idle ? Now - idle : long.MinValue;
        long oldestSmall = growth.MinNorm > 0 ? Now - growth.MinNormIdleSteps : long.MinValue;
        double smallest = growth.MinNorm * growth.MinNorm;
        if (oldest > long.MinValue || oldestSmall > long.MinValue)
        {
            var leaving = new List<long>();
            ForEachRow((key, row) =>
            {
                int step = LastStepOf(row);
                if (step <= oldest || (step <= oldestSmall && SquareOf(row) < smallest))
                {
                    leaving.Add(key);
                }
            });
            Remove(CollectionsMarshal.AsSpan(leaving));
        }

        if (RowCount > _rowLimit)
        {
            Remove(CollectionsMarshal.AsSpan(FindOldest(RowCount - Math.Max(1, (long)((Int128)_rowLimit * KeptPercent / 100)))));
        }

        RowsEvicted += RowsRemoved - before;
    }

    /// <summary>The keys of so many rows: those not updated for the longest time, of the same step the smallest keys, so that the choice does not depend on the order in memory.</summary>
    private List<long> FindOldest(long count)
    {
        var rowsOfStep = new Dictionary<int, long>();
        ForEachRow((_, row) => CollectionsMarshal.GetValueRefOrAddDefault(rowsOfStep, LastStepOf(row), out bool _)++);
        long left = count;
        int last = int.MinValue;
        foreach (int step in rowsOfStep.Keys.Order())
        {
            last = step;
            if (rowsOfStep[step] >= left)
            {
                break;
            }

            left -= rowsOfStep[step];
        }

        var keys = new List<long>();
        var ofLast = new List<long>();
        ForEachRow((key, row) =>
        {
            int step = LastStepOf(row);
            if (step <= last)
            {
                (step < last ? keys : ofLast).Add(key);
            }
        });
        ofLast.Sort();
        keys.AddRange(CollectionsMarshal.AsSpan(ofLast)[..(int)left]);
        return keys;
    }

    private void ForEachRow(RowVisitor visit)
    {
        long* keys = stackalloc long[Group];
        nint* rows = stackalloc nint[Group];
        var addresses = Rows.Addresses;
        int ageOffset = LastStepOffset;
        for (long place = 0; place < _index.Places;)
        {
            int count = 0;
            for (; count < Group && place < _index.Places; place++)
            {
                var (key, row) = _index.KeyAt(place);
                if (key >= 0)
                {
                    keys[count] = key;
                    rows[count] = addresses.Of(row);
                    Prefetch.Line(rows[count++] + ageOffset);
                }
            }

            for (int i = 0; i < count; i++)
            {
                visit(keys[i], rows[i]);
            }
        }
    }

    private int LastStepOf(nint row) => *(int*)(row + LastStepOffset);

    private double SquareOf(nint row) =>
        Options.ElementType == ElementType.Float32 ? SumOfSquares(new ReadOnlySpan<float>((void*)row, Options.Dimension)) : SumOfSquares(new ReadOnlySpan<double>((void*)row, Options.Dimension));

    private static double SumOfSquares(ReadOnlySpan<float> weights)
    {
        double sum = 0;
        foreach (float weight in weights)
        {
            sum += (double)weight * weight;
        }

        return sum;
    }

    private static double SumOfSquares(ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (double weight in weights)
        {
            sum += weight * weight;
        }

        return sum;
    }
}
