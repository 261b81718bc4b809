using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>Reads the arguments of <c>oe-run</c>: its own options first, then the command of the ranks with all that belongs to it.</summary>
internal sealed class LaunchCommandLine
{
    private const string Help = """
        Usage: oe-run -np N [options] [--] COMMAND [ARGS...]
               oe-run -np N [options] CONFIG.json [options of oe-train]

        Starts COMMAND on N ranks with MPICH's mpirun, passes signals on and ends with the job's exit code.
        Where COMMAND is a .json file, oe-train runs it.

          -np, -n N           number of ranks; all slots of the hosts if hosts are given
          -H, --hosts LIST    hosts and their slots, as host1:4,host2:4
          --hostfile FILE     file with one host a line, as 'host slots=4' or 'host:4'
          --env NAME=VALUE    environment variable for every rank; may be given several times
          --dry-run           print the mpirun command line and start nothing
          -v, --verbose       print the mpirun command line before starting it
          -h, --help          print this
          --version           print the version

        """;

    private readonly RootCommand _root = [];
    private readonly Option<int?> _ranks = new("-np", "-n") { CustomParser = ParseRanks };
    private readonly Option<string?> _hosts = new("-H", "--hosts");
    private readonly Option<string?> _hostfile = new("--hostfile");
    private readonly Option<string[]> _environment = new("--env") { Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _dryRun = new("--dry-run");
    private readonly Option<bool> _verbose = new("--verbose", "-v");

    public LaunchCommandLine()
    {
        _root.Options.Add(_ranks);
        _root.Options.Add(_hosts);
        _root.Options.Add(_hostfile);
        _root.Options.Add(_environment);
        _root.Options.Add(_dryRun);
        _root.Options.Add(_verbose);
    }

    /// <summary>Reads the arguments; null when they asked for help or the version, which is then printed.</summary>
    /// <param name="arguments">The arguments as the shell gave them.</param>
    /// <param name="trainer">The program that runs a <c>.json</c> file.</param>
    /// <exception cref="OpenEmbeddingException">They are wrong, with the exit code for a wrong command line.</exception>
    public LaunchOptions? Parse(IReadOnlyList<string> arguments, string trainer)
    {
        int ownCount = CountOwn(arguments, out int commandStart);
        ParseResult parsed = _root.Parse([.. arguments.Take(ownCount)], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            throw Wrong(parsed.Errors[0].Message);
        }

        if (parsed.Action is HelpAction)
        {
            Console.Write(Help);
            return null;
        }

        if (parsed.Action is not null)
        {
            parsed.Invoke();
            return null;
        }

        HostList? hosts = ReadHosts(parsed);
        string[] command = [.. arguments.Skip(commandStart)];
        if (command.Length == 0)
        {
            throw Wrong("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json");
        }

        return new LaunchOptions
        {
            Ranks = ReadRanks(parsed.GetValue(_ranks), hosts),
            Hosts = hosts,
            Environment = [.. (parsed.GetValue(_environment) ?? []).Select(ReadVariable)],
            Command = command[0].EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? [trainer, .. command] : command,
            DryRun = parsed.GetValue(_dryRun),
            Verbose = parsed.GetValue(_verbose),
        };
    }

    // The command's own options must not be taken for those of oe-run, so the two are parted before they are parsed.
    private int CountOwn(IReadOnlyList<string> arguments, out int commandStart)
    {
        int i = 0;
        while (i < arguments.Count && arguments[i].StartsWith('-') && arguments[i] != "--")
        {
            string name = arguments[i].Split('=', 2)[0];
            Option option = _root.Options.FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name))
                ?? throw Wrong($"unknown option {name}; known are {string.Join(' ', _root.Options.Select(option => option.Name))}");
            bool takesNext = option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool) && name == arguments[i];
            i += takesNext ? 2 : 1;
        }

        int ownCount = Math.Min(i, arguments.Count);
        commandStart = i < arguments.Count && arguments[i] == "--" ? i + 1 : ownCount;
        return ownCount;
    }

    private HostList? ReadHosts(ParseResult parsed)
    {
        string? list = parsed.GetValue(_hosts);
        string? file = parsed.GetValue(_hostfile);
        if (list is not null && file is not null)
        {
            throw Wrong("-H and --hostfile both name hosts; give one of them");
        }

        return list is not null ? HostList.Parse(list) : file is not null ? Hostfile.Read(file) : null;
    }

    private static int ReadRanks(int? ranks, HostList? hosts)
    {
        if (hosts is null)
        {
            return ranks ?? throw Wrong("the number of ranks is missing: give -np N, or hosts with -H or --hostfile");
        }

        if ((ranks ?? hosts.Slots) is var wanted && wanted > hosts.Slots)
        {
            throw Wrong($"-np {wanted} is more than the {hosts.Slots} slots of the hosts ({hosts})");
        }

        return (int)wanted;
    }

    private static int? ParseRanks(ArgumentResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int ranks) && ranks >= 1)
        {
            return ranks;
        }

        result.AddError($"-np takes a whole number of at least 1; this is '{text}'");
        return null;
    }

    private static KeyValuePair<string, string> ReadVariable(string text)
    {
        int equals = text.IndexOf('=');
        return equals > 0
            ? new(text[..equals], text[(equals + 1)..])
            : throw Wrong($"--env takes NAME=VALUE; this is '{text}'");
    }

    private static OpenEmbeddingException Wrong(string message) => new(message, JobExitCode.Configuration);
}
