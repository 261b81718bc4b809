using System.CommandLine;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.CommandLine;

/// <summary>The arguments of <c>oe-train preprocess</c> and <c>oe-train convert</c>: those of a job, which name rows and columns, and where to write.</summary>
internal sealed class PreparationCommand : Command
{
    private readonly Argument<string?> _config;
    private readonly Option<string?> _out = new("--out");
    private readonly Option<string?> _testOut = new("--test-out");
    private readonly Option<string?> _fewest = new("--min-count");
    private readonly bool _encodes;

    private PreparationCommand(string name, Argument<string?> config, bool encodes)
        : base(name)
    {
        _config = config;
        _encodes = encodes;
        Add(config);
        Add(_out);
        if (encodes)
        {
            Add(_testOut);
            Add(_fewest);
        }
    }

    /// <summary>What <c>--help</c> prints.</summary>
    public string Help => _encodes
        ? """
        Usage: oe-train preprocess [CONFIG.json] [--section.key value ...] --out FILE [--test-out FILE] [--min-count N]

        Numbers the categories of data.train from 0 in each column, scales dense values as data.dense_scale says, and writes the rows; those of data.test
        get the same numbers and scale. Prints the data.vocabulary that fits. Rows are read twice.

          --out FILE       takes the training rows; the ending tells the form: .csv, .parquet, .tfrecord, .libffm, .libsvm, all else Criteo's; .gz compresses text
          --test-out FILE  takes the test rows
          --min-count N    a category that comes less often shares the last number with those that only test rows have; default 1

        """
        : """
        Usage: oe-train convert [CONFIG.json] [--section.key value ...] --out FILE

        Writes the rows of data.train in another form, which trains to the same bits. Categories that are text become the numbers that they are hashed to.

          --out FILE       takes the rows; the ending tells the form: .csv, .parquet, .tfrecord, .libffm, .libsvm, all else Criteo's; .gz compresses text

        """;

    /// <summary><c>preprocess</c>.</summary>
    public static PreparationCommand Preprocess(Argument<string?> config) => new("preprocess", config, encodes: true);

    /// <summary><c>convert</c>.</summary>
    public static PreparationCommand Convert(Argument<string?> config) => new("convert", config, encodes: false);

    public PreparationArguments Read(ParseResult parsed, IReadOnlyList<ConfigurationOverride> overrides)
    {
        string output = parsed.GetValue(_out) ?? throw TrainerCommandLine.Error($"{Name}: --out is missing; it is the file to write");
        return _encodes
            ? new PreprocessArguments(parsed.GetValue(_config), overrides, output, parsed.GetValue(_testOut), ReadFewest(parsed.GetValue(_fewest)))
            : new ConvertArguments(parsed.GetValue(_config), overrides, output);
    }

    private long ReadFewest(string? text) => text is null ? 1
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long fewest) && fewest >= 1 ? fewest
        : throw TrainerCommandLine.Error($"{Name}: --min-count = \"{text}\" is not an integer of at least 1");
}
