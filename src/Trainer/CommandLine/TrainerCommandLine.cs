using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Reflection;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.CommandLine;

/// <summary>The command line of <c>oe-train</c>: a configuration file, every key as an option, and the flags of the scripts it replaces.</summary>
public static class TrainerCommandLine
{
    private static readonly Dictionary<string, string> _aliases = new()
    {
        ["--data"] = "data.train",
        ["--model"] = "model.name",
        ["--batch_size"] = "train.batch_size",
        ["--embedding_dim"] = "embedding.dimension",
        ["--epochs"] = "train.epochs",
        ["--prefetch"] = "train.prefetch",
        ["--server"] = "cluster.servers",
        ["--checkpoint"] = "checkpoint.directory",
        ["--load"] = "load.from",
        ["--resume"] = "checkpoint.resume",
        ["--save"] = "output.model",
        ["--export"] = "output.export",
        ["--export-dense"] = "output.export_dense",
        ["--report"] = "output.report",
        ["--profile"] = "cluster.timeline",
    };

    /// <summary>What an alias stands for when no value follows it, as in the scripts that have it as a switch.</summary>
    private static readonly Dictionary<string, string> _switchValues = new()
    {
        ["--prefetch"] = "1",
        ["--server"] = "auto",
        ["--resume"] = "true",
    };

    /// <summary>Says what the arguments ask for.</summary>
    /// <exception cref="OpenEmbeddingException">One line; exit code <see cref="JobExitCode.Configuration"/>.</exception>
    public static TrainerArguments Parse(IReadOnlyList<string> args)
    {
        var file = new Argument<string?>("CONFIG") { Arity = ArgumentArity.ZeroOrOne };
        var help = new HelpOption();
        var version = new Option<bool>("--version");
        var generate = new GenerateCommand();
        var inspect = new Command("inspect") { file };
        var preprocess = PreparationCommand.Preprocess(file);
        var convert = PreparationCommand.Convert(file);
        var root = new RootCommand { file, new Command("schema"), new Command("keys"), generate, inspect, preprocess, convert };
        // Without an action of its own a command with subcommands asks for one of them.
        root.SetAction(_ => JobExitCode.Success);
        root.Options.Clear();
        root.Directives.Clear();
        root.Add(help);
        root.Add(version);
        var keys = new Dictionary<Option, string>();
        foreach (ConfigurationEntry entry in ConfigurationKeys.All)
        {
            string[] aliases = [.. _aliases.Where(alias => alias.Value == entry.Path).Select(alias => alias.Key)];
            var option = new Option<string[]>("--" + entry.Path, aliases) { Arity = ArgumentArity.ZeroOrMore };
            keys.Add(option, entry.Path);
            root.Add(option);
            inspect.Add(option);
            preprocess.Add(option);
            convert.Add(option);
        }

        var cache = new Option<string[]>("--cache") { Arity = ArgumentArity.ZeroOrMore };
        root.Add(cache);

        ParseResult parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.GetResult(help) is not null || parsed.GetValue(version))
        {
            return new PrintArguments(parsed.GetValue(version) ? Version() : parsed.CommandResult.Command switch
            {
                GenerateCommand => GenerateCommand.Help,
                PreparationCommand preparation => preparation.Help,
                _ => Help(),
            });
        }

        RefuseUnknown(parsed, file);
        if (parsed.GetResult(cache) is not null)
        {
            throw Error("--cache is not needed: the system keeps files that are read again in memory; leave it out");
        }

        return parsed.CommandResult.Command.Name switch
        {
            "preprocess" => preprocess.Read(parsed, ReadOverrides(parsed, keys)),
            "convert" => convert.Read(parsed, ReadOverrides(parsed, keys)),
            "schema" => new PrintArguments(ConfigurationWriter.WriteSchema()),
            "keys" => new PrintArguments(KeyTable.WriteMarkdown()),
            "generate" => generate.Read(parsed),
            "inspect" => new InspectArguments(parsed.GetValue(file), ReadOverrides(parsed, keys)),
            _ => new TrainArguments(parsed.GetValue(file), ReadOverrides(parsed, keys)),
        };
    }

    internal static OpenEmbeddingException Error(string message) => new($"command line: {message}", JobExitCode.Configuration);

    private static List<ConfigurationOverride> ReadOverrides(ParseResult parsed, Dictionary<Option, string> keys)
    {
        var overrides = new List<ConfigurationOverride>();
        foreach ((Option option, string path) in keys)
        {
            if (parsed.GetResult(option) is not { } result)
            {
                continue;
            }

            string given = result.IdentifierToken!.Value;
            string value = result.Tokens.Count > 0 ? result.Tokens[^1].Value
                : _switchValues.TryGetValue(given, out string? standing) ? standing
                : throw Error($"{given} needs a value");
            overrides.Add(new ConfigurationOverride(path, value));
        }

        return overrides;
    }

    /// <summary>The parser takes an option it does not know for an argument: tell them apart here.</summary>
    private static void RefuseUnknown(ParseResult parsed, Argument<string?> file)
    {
        IEnumerable<string> stray = parsed.UnmatchedTokens;
        if (parsed.GetResult(file) is { } result)
        {
            stray = result.Tokens.Select(token => token.Value).Concat(stray);
        }

        if (stray.FirstOrDefault(token => token.StartsWith('-')) is { } unknown)
        {
            string name = unknown.Split('=')[0];
            IEnumerable<string> known = parsed.CommandResult.Command.Options.SelectMany(option => option.Aliases.Prepend(option.Name));
            string? nearest = NearestName.Find(name, known)
                ?? (ConfigurationKeys.PathOf(name.TrimStart('-')) is { } path ? "--" + path : null);
            throw Error($"{name} is not a known option{(nearest is null ? "" : $"; did you mean \"{nearest}\"?")} (oe-train --help lists all)");
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            throw Error($"\"{parsed.UnmatchedTokens[0]}\" is one argument too many; allowed is one configuration file");
        }

        if (parsed.Errors.Count > 0)
        {
            throw Error(parsed.Errors[0].Message.ReplaceLineEndings(" "));
        }
    }

    private static string Version()
    {
        Assembly assembly = typeof(TrainerCommandLine).Assembly;
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        return $"oe-train {version.Split('+')[0]}\n";
    }

    private static string Help() => string.Create(CultureInfo.InvariantCulture, $"""
        Usage: oe-train [CONFIG.json] [--section.key value ...]
               oe-train generate --rows N --out FILE [--seed S] [--format criteo|csv] [--vocabulary V [--zipf Z]]
               oe-train inspect [CONFIG.json] [--section.key value ...]
                                   says what is in the rows of data.train and data.test: classes, ranges, categories, malformed rows
               oe-train preprocess [CONFIG.json] [--section.key value ...] --out FILE [--test-out FILE] [--min-count N]
                                   writes the rows with numbered categories and scaled dense values
               oe-train convert [CONFIG.json] [--section.key value ...] --out FILE
                                   writes the rows in another form
               oe-train schema     prints the JSON schema of a configuration
               oe-train keys       prints all keys as Markdown tables
               oe-train --version

        Trains a click-through-rate model on all ranks that mpirun started. Options go before the keys of the file; without a file,
        --data.train is enough. Lists take commas or JSON. Paths are taken from the working directory.
        {KeyTable.WriteHelp(path => _aliases.Where(alias => alias.Value == path).Select(alias => alias.Key))}
        """);
}
