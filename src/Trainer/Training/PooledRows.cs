using System.Numerics;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// Moves rows between the compact order of a pull (distinct keys) and the order of the samples where columns are multi-hot: the rows of a field become one on the way there, and its
/// gradient goes to each of them on the way back.
/// </summary>
internal static class PooledRows
{
    /// <summary>Combines the rows of every field.</summary>
    /// <param name="rows">[distinct rows, dimension].</param>
    /// <param name="index">The row of every slot, [samples, slots]; −1 for none.</param>
    /// <param name="samples">Takes [samples, columns, dimension]; zeros for fields without rows.</param>
    /// <param name="dimension">Elements of a row.</param>
    /// <param name="slots">Where the categories of the columns are.</param>
    public static void Gather<T>(ReadOnlySpan<T> rows, ReadOnlySpan<int> index, Span<T> samples, int dimension, SparseSlots slots)
        where T : unmanaged, INumber<T>
    {
        samples.Clear();
        int field = 0;
        for (; !index.IsEmpty; index = index[slots.Count..])
        {
            for (int column = 0; column < slots.Columns; column++, field++)
            {
                Span<T> pooled = samples.Slice(field * dimension, dimension);
                ReadOnlySpan<int> places = PlacesOf(index, column, slots);
                foreach (int place in places)
                {
                    RowKernels.Add(rows.Slice(place * dimension, dimension), pooled);
                }

                Scale(pooled, FactorOf<T>(slots.CombinerOf(column), places.Length));
            }
        }
    }

    /// <summary>Adds the gradient of every field to those of its rows, in the order of the samples, so that the sums have the same bits every time.</summary>
    /// <param name="samples">[samples, columns, dimension].</param>
    /// <param name="index">The row of every slot, [samples, slots]; −1 for none.</param>
    /// <param name="rows">Takes [distinct rows, dimension].</param>
    /// <param name="dimension">Elements of a row.</param>
    /// <param name="slots">Where the categories of the columns are.</param>
    public static void ScatterAdd<T>(ReadOnlySpan<T> samples, ReadOnlySpan<int> index, Span<T> rows, int dimension, SparseSlots slots)
        where T : unmanaged, INumber<T>
    {
        Span<T> share = new T[dimension];
        int field = 0;
        for (; !index.IsEmpty; index = index[slots.Count..])
        {
            for (int column = 0; column < slots.Columns; column++, field++)
            {
                ReadOnlySpan<int> places = PlacesOf(index, column, slots);
                samples.Slice(field * dimension, dimension).CopyTo(share);
                Scale(share, FactorOf<T>(slots.CombinerOf(column), places.Length));
                foreach (int place in places)
                {
                    RowKernels.Add(share, rows.Slice(place * dimension, dimension));
                }
            }
        }
    }

    /// <summary>Says what <see cref="Gather"/> computes.</summary>
    /// <param name="graph">Takes the operations.</param>
    /// <param name="rows">The row of every slot, any in empty ones, [n, slots, dimension].</param>
    /// <param name="values">The raw values of the slots, [n, slots].</param>
    /// <param name="dimension">Elements of a row.</param>
    /// <param name="slots">Where the categories of the columns are.</param>
    /// <returns>[n, columns, dimension].</returns>
    public static GraphValue Describe(ComputationGraph graph, GraphValue rows, GraphValue values, int dimension, SparseSlots slots)
    {
        GraphValue isUsed = SparseSlots.DescribeUse(graph, values);
        GraphValue factors = graph.Reshape(graph.Cast(isUsed, graph.Type), -1, slots.Count, 1);
        return graph.Concatenate(1, [.. Enumerable.Range(0, slots.Columns).Select(Describe)]);

        GraphValue Describe(int column)
        {
            int first = slots.FirstOf(column), end = first + slots.WidthOf(column);
            GraphValue ofColumn = graph.Slice(rows, 1, first, end);
            if (slots.WidthOf(column) == 1)
            {
                return ofColumn;
            }

            GraphValue sum = graph.Sum(graph.Multiply(ofColumn, graph.Slice(factors, 1, first, end)), axis: 1);
            GraphValue count = graph.Sum(graph.Slice(isUsed, 1, first, end), axis: 1);
            double[] byCount = [.. Enumerable.Range(0, slots.WidthOf(column) + 1).Select(rows => FactorOf<double>(slots.CombinerOf(column), rows))];
            GraphValue factor = graph.Cast(graph.Rows(graph.Array(ExportArray.Of<double>("pool.factors", [byCount.Length, 1], byCount)), count), graph.Type);
            return graph.Reshape(graph.Multiply(sum, factor), -1, 1, dimension);
        }
    }

    // Empty slots are behind the others.
    private static ReadOnlySpan<int> PlacesOf(ReadOnlySpan<int> index, int column, SparseSlots slots)
    {
        ReadOnlySpan<int> all = index.Slice(slots.FirstOf(column), slots.WidthOf(column));
        int empty = all.IndexOf(-1);
        return empty < 0 ? all : all[..empty];
    }

    private static T FactorOf<T>(Combiner combiner, int rows)
        where T : INumber<T> => combiner switch
        {
            _ when rows <= 1 => T.One,
            Combiner.Mean => T.One / T.CreateChecked(rows),
            Combiner.Sqrtn => T.CreateChecked(1 / Math.Sqrt(rows)),
            _ => T.One,
        };

    private static void Scale<T>(Span<T> row, T factor)
        where T : INumber<T>
    {
        if (factor != T.One)
        {
            for (int i = 0; i < row.Length; i++)
            {
                row[i] *= factor;
            }
        }
    }
}
