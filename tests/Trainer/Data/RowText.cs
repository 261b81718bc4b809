using System.Globalization;
using CsCheck;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

/// <summary>One decoded row with value equality.</summary>
internal sealed record PlainRow(float Label, float[] Dense, long[] Sparse)
{
    public bool Equals(PlainRow? other) =>
        other is not null && Label == other.Label && Dense.SequenceEqual(other.Dense) && Sparse.SequenceEqual(other.Sparse);

    public override int GetHashCode() => HashCode.Combine(Label, Dense.Length, Sparse.Length);
}

/// <summary>The plain way to read Criteo's form, with strings: the reference for the fast one. Also texts and readers for tests.</summary>
internal static class RowText
{
    private static readonly Gen<string> _integer = Gen.OneOf(
        Gen.Const(""),
        Gen.Int[-3, 50].Select(Text),
        Gen.Int[999_990, 10_000_010].Select(Text),
        Gen.Int.Select(Text),
        Gen.Long.Select(Text));

    private static readonly Gen<string> _dense = Gen.Frequency(
        (9, _integer),
        (1, Gen.Float[-1e6f, 1e6f].Select(Text)),
        (1, Gen.OneOfConst("-0", "007", "1e3", "2.50", ".5")));

    private static readonly Gen<string> _sparse = Gen.OneOf(
        Gen.Const(""),
        Gen.UInt.Select(value => value.ToString("x8", CultureInfo.InvariantCulture)),
        Gen.UInt.Select(value => value.ToString("X8", CultureInfo.InvariantCulture)));

    /// <summary>A well-formed line without its end, sometimes unusual.</summary>
    public static Gen<string> Line { get; } = Gen.Select(
        Gen.Frequency((9, Gen.OneOfConst("0", "1")), (1, Gen.OneOfConst("0.25", "1.0", "1e0"))),
        _dense.Array[CriteoRow.DenseColumns],
        _sparse.Array[CriteoRow.SparseColumns],
        (label, dense, sparse) => string.Join('\t', [label, .. dense, .. sparse]));

    public static PlainRow[] Parse(string text)
    {
        string[] lines = text.Split('\n');
        if (lines[^1].Length == 0)
        {
            lines = lines[..^1];
        }

        return [.. lines.Select(ParseLine)];
    }

    /// <summary>
    /// The options of a job that reads raw values: no scaling, ids that are the values themselves, −1 as the last of 2^62.
    /// </summary>
    public static DataOptions Raw(params string[] files) => new()
    {
        Train = new DataFiles { Files = files },
        DenseScale = DenseScaling.None,
        SparseIds = SparseIds.Modulo,
        Vocabulary = 1L << 62,
    };

    public static List<PlainRow> ReadAll(
        DataOptions options,
        int trainer = 0,
        int trainers = 1,
        int batchSize = 100,
        int blockBytes = 1 << 16)
    {
        using BatchReader reader = new(options, options.Train, trainer, trainers, batchSize, DenseScale.Create(options), start: 0, shuffle: null, blockBytes);
        List<PlainRow> rows = [];
        Batch batch = new();
        while (reader.Read(batch))
        {
            rows.AddRange(Rows(batch));
        }

        return rows;
    }

    public static IEnumerable<PlainRow> Rows(Batch batch)
    {
        int dense = batch.DenseColumns, sparse = batch.SparseSlots;
        return Enumerable.Range(0, batch.Rows).Select(row => new PlainRow(
            batch.Labels[row],
            batch.Dense[(row * dense)..((row + 1) * dense)],
            batch.Ids[(row * sparse)..((row + 1) * sparse)]));
    }

    /// <summary>A well-formed line whose label, first count and first category tell its number.</summary>
    public static string Numbered(long number) =>
        $"{number % 2}\t{number}{new string('\t', 13)}{number:x8}{new string('\t', 25)}";

    private static PlainRow ParseLine(string line)
    {
        string[] fields = line.TrimEnd('\r').Split('\t');
        Assert.Equal(40, fields.Length);
        return new PlainRow(
            float.Parse(fields[0], CultureInfo.InvariantCulture),
            [.. fields[1..14].Select(field => field.Length == 0 ? 0 : float.Parse(field, CultureInfo.InvariantCulture))],
            [.. fields[14..].Select(Category)]);
    }

    private static long Category(string field) =>
        field.Length == 0 ? (1L << 62) - 1 : long.Parse(field, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
