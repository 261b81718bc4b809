using System.Globalization;
using ParquetSharp;

namespace OpenEmbedding.Trainer.Tests.Data;

/// <summary>Writes Parquet files by another library than the one that reads them: Apache Arrow's.</summary>
internal static class ParquetFiles
{
    /// <summary>Writes columns, each of which has a name and an array of the values of all rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="groupRows">Rows of a row group.</param>
    /// <param name="columns">The columns; all arrays are as long.</param>
    public static void Write(string path, int groupRows, params (string Name, Array Values)[] columns) =>
        Write(path, groupRows, Compression.Snappy, columns);

    /// <inheritdoc cref="Write(string, int, ValueTuple{string, Array}[])"/>
    public static void Write(string path, int groupRows, Compression compression, params (string Name, Array Values)[] columns)
    {
        Column[] schema = [.. columns.Select(column => new Column(column.Values.GetType().GetElementType()!, column.Name))];
        using var file = new ParquetFileWriter(path, schema, compression);
        int rows = columns[0].Values.Length;
        for (int first = 0; first < rows; first += groupRows)
        {
            using RowGroupWriter group = file.AppendRowGroup();
            foreach ((_, Array values) in columns)
            {
                using ColumnWriter column = group.NextColumn();
                column.LogicalWriter().Apply(new BatchWriter(values, first, Math.Min(groupRows, rows - first)));
            }
        }

        file.Close();
    }

    /// <summary>Writes rows in Criteo's form; empty fields are null.</summary>
    public static void WriteCriteo(string path, string[] lines, int groupRows, Compression compression = Compression.Snappy)
    {
        string[][] fields = [.. lines.Select(line => line.Split('\t'))];
        Write(
            path,
            groupRows,
            compression,
            [
                ("label", fields.Select(row => int.Parse(row[0], CultureInfo.InvariantCulture)).ToArray()),
                .. Enumerable.Range(1, 13).Select(i => ($"I{i}", (Array)fields.Select(row => Number(row[i])).ToArray())),
                .. Enumerable.Range(14, 26).Select(i => ($"C{i - 13}", (Array)fields.Select(row => Category(row[i])).ToArray())),
            ]);
    }

    private static float? Number(string field) => field.Length == 0 ? null : float.Parse(field, CultureInfo.InvariantCulture);

    private static long? Category(string field) => field.Length == 0 ? null : long.Parse(field, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private sealed class BatchWriter(Array values, int first, int count) : ILogicalColumnWriterVisitor<bool>
    {
        public bool OnLogicalColumnWriter<T>(LogicalColumnWriter<T> writer)
        {
            writer.WriteBatch(((T[])values).AsSpan(first, count));
            return true;
        }
    }
}
