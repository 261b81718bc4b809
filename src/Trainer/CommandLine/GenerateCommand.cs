using System.CommandLine;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.CommandLine;

/// <summary>The arguments of <c>oe-train generate</c>.</summary>
internal sealed class GenerateCommand : Command
{
    private readonly Option<string?> _rows = new("--rows");
    private readonly Option<string?> _out = new("--out");
    private readonly Option<string?> _seed = new("--seed");
    private readonly Option<string?> _format = new("--format");

    public GenerateCommand()
        : base("generate")
    {
        Add(_rows);
        Add(_out);
        Add(_seed);
        Add(_format);
    }

    public static string Help => """
        Usage: oe-train generate --rows N --out FILE [--seed S] [--format criteo|csv]

        Writes Criteo-shaped sample data.

          --rows N       rows to write, at least 1
          --out FILE     the file to write
          --seed S       the same seed writes the same file; default 1024
          --format F     criteo or csv; default by the ending of FILE: .csv is CSV, all else Criteo's own

        """;

    public GenerateArguments Read(ParseResult parsed)
    {
        string file = parsed.GetValue(_out) ?? throw TrainerCommandLine.Error("generate: --out is missing; it is the file to write");
        string rows = parsed.GetValue(_rows) ?? throw TrainerCommandLine.Error("generate: --rows is missing; it is an integer of at least 1");
        return new GenerateArguments(
            ReadInteger("--rows", rows, 1),
            file,
            ReadInteger("--seed", parsed.GetValue(_seed) ?? "1024", 0),
            ReadFormat(parsed.GetValue(_format), file));
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
