using System.CommandLine;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.CommandLine;

/// <summary>The arguments of <c>oe-train generate</c>.</summary>
internal sealed class GenerateCommand : Command
{
    private const int MostIds = 1_000_000_000;
    private const double LargestExponent = 10;

    private readonly Option<string?> _rows = new("--rows");
    private readonly Option<string?> _out = new("--out");
    private readonly Option<string?> _seed = new("--seed");
    private readonly Option<string?> _format = new("--format");
    private readonly Option<string?> _vocabulary = new("--vocabulary");
    private readonly Option<string?> _zipf = new("--zipf");

    public GenerateCommand()
        : base("generate")
    {
        Add(_rows);
        Add(_out);
        Add(_seed);
        Add(_format);
        Add(_vocabulary);
        Add(_zipf);
    }

    public static string Help => """
        Usage: oe-train generate --rows N --out FILE [--seed S] [--format criteo|csv] [--vocabulary V [--zipf Z]]

        Writes Criteo-shaped sample data.

          --rows N       rows to write, at least 1
          --out FILE     the file to write
          --seed S       the same seed writes the same file; default 1024
          --format F     criteo or csv; default by the ending of FILE: .csv is CSV, all else Criteo's own
          --vocabulary V ids of all 26 sparse columns together, dealt in Criteo's proportions, 1000 to 1000000000; the data.vocabulary that fits
                         is printed. Left out, the columns are as Criteo's, with 32-bit hashes and empty fields
          --zipf Z       with --vocabulary: the k-th most frequent id of a column comes in proportion to k^-Z; default 1.05

        """;

    public GenerateArguments Read(ParseResult parsed)
    {
        string file = parsed.GetValue(_out) ?? throw TrainerCommandLine.Error("generate: --out is missing; it is the file to write");
        string rows = parsed.GetValue(_rows) ?? throw TrainerCommandLine.Error("generate: --rows is missing; it is an integer of at least 1");
        return new GenerateArguments(
            ReadInteger("--rows", rows, 1),
            file,
            ReadInteger("--seed", parsed.GetValue(_seed) ?? "1024", 0),
            ReadFormat(parsed.GetValue(_format), file),
            ReadVocabulary(parsed),
            ReadZipf(parsed));
    }

    private int? ReadVocabulary(ParseResult parsed)
    {
        if (parsed.GetValue(_vocabulary) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int ids) && ids is >= ZipfCategories.FewestIds and <= MostIds
            ? ids
            : throw TrainerCommandLine.Error($"generate: --vocabulary = \"{text}\" is not an integer from {ZipfCategories.FewestIds} to {MostIds}");
    }

    private double ReadZipf(ParseResult parsed)
    {
        if (parsed.GetValue(_zipf) is not { } text)
        {
            return ZipfCategories.DefaultExponent;
        }

        if (parsed.GetValue(_vocabulary) is null)
        {
            throw TrainerCommandLine.Error("generate: --zipf needs --vocabulary");
        }

        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double exponent) && exponent <= LargestExponent
            ? exponent
            : throw TrainerCommandLine.Error($"generate: --zipf = \"{text}\" is not a number from 0 to {LargestExponent}");
    }

    private static long ReadInteger(string name, string text, long minimum) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= minimum
            ? value
            : throw TrainerCommandLine.Error($"generate: {name} = \"{text}\" is not an integer of at least {minimum}");

    private static DataFormat ReadFormat(string? format, string file) => format?.ToLowerInvariant() switch
    {
        null => file.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? DataFormat.Csv : DataFormat.Criteo,
        "criteo" => DataFormat.Criteo,
        "csv" => DataFormat.Csv,
        _ => throw TrainerCommandLine.Error($"generate: --format = \"{format}\" is not one of \"criteo\", \"csv\""),
    };
}
