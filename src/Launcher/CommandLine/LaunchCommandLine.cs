using System.CommandLine;
using System.Reflection;
using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.CommandLine.Groups;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Slurm;

namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>Reads the arguments of <c>oe-run</c>: its own options first, then the command of the ranks with all that belongs to it.</summary>
internal sealed class LaunchCommandLine
{
    private readonly Func<string, string?> _environment;
    private readonly HostGroup _hosts = new();
    private readonly RemoteStartGroup _remoteStart = new();
    private readonly NetworkGroup _network = new();
    private readonly HydraGroup _hydra = new();
    private readonly EnvironmentGroup _variables = new();
    private readonly SupervisionGroup _supervision = new();
    private readonly OutputGroup _output = new();
    private readonly TrainerGroup _trainer = new();
    private readonly GeneralGroup _general = new();
    private readonly OptionGroup[] _groups;
    private readonly LaunchOption[] _options;
    private readonly RootCommand _root = [];

    /// <param name="environment">The environment of this process.</param>
    public LaunchCommandLine(Func<string, string?> environment)
    {
        _environment = environment;
        _groups = [_hosts, _supervision, _remoteStart, _network, _hydra, _variables, _output, _trainer, _general];
        _options = [.. _groups.SelectMany(group => group.Options)];
        _root.Options.Clear();
        _root.Directives.Clear();
        Array.ForEach(_options, option => _root.Options.Add(option.Parser));
    }

    /// <summary>All options, for what must name each of them.</summary>
    public IReadOnlyList<LaunchOption> Options => _options;

    /// <summary>Says what the arguments ask for.</summary>
    /// <param name="arguments">The arguments as the shell gave them.</param>
    /// <param name="trainer">The program that runs a <c>.json</c> file.</param>
    /// <exception cref="OpenEmbeddingException">They are wrong, with the exit code for a wrong command line.</exception>
    public LaunchArguments Parse(IReadOnlyList<string> arguments, string trainer)
    {
        int ownCount = CountOwn(arguments, out int commandStart);
        LaunchValues values = ReadValues([.. arguments.Take(ownCount)]);
        if (_general.Help(values))
        {
            return new PrintArguments(LaunchHelp.Write(_groups));
        }

        if (_general.Version(values))
        {
            return new PrintArguments(Version());
        }

        return _general.CheckBuild(values) ? new CheckBuildArguments() : ReadJob(values, [.. arguments.Skip(commandStart)], trainer);
    }

    private LaunchOptions ReadJob(LaunchValues values, string[] command, string trainer)
    {
        if (_general.ConfigurationFile(values) is string file)
        {
            ConfigurationFile.Read(file, _options, values);
        }

        HostList? hosts = _hosts.ReadHosts(values);
        SlurmAllocation? allocation = hosts is null ? SlurmAllocation.Find(_environment) : null;
        hosts ??= allocation?.Hosts;
        int? given = _hosts.ReadRanks(values, hosts, allocation);
        SupervisionOptions? supervision = _supervision.Read(values, given);
        int ranks = given ?? (supervision?.DiscoveryScript is not null ? supervision.MinimumRanks : throw Wrong(
            "the number of ranks is missing: give -np N, or hosts with -H or --hostfile"));
        if (command.Length == 0)
        {
            throw Wrong("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json");
        }

        bool isConfiguration = command[0].EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        return new LaunchOptions
        {
            Ranks = ranks,
            Hosts = hosts,
            HostsAreAllocated = allocation is not null,
            Environment = _variables.Read(values, _environment),
            Command = _trainer.AddTo(isConfiguration ? [trainer, .. command] : command, values, supervision is not null),
            StartTimeout = _hosts.StartTimeout(values),
            Supervision = supervision,
            RemoteStart = _remoteStart.Read(values),
            Network = _network.Read(values),
            Hydra = _hydra.Read(values),
            Output = _output.Read(values),
            DryRun = _general.DryRun(values),
            Verbose = _general.Verbose(values),
        };
    }

    // The command's own options must not be taken for those of oe-run, so the two are parted before they are parsed.
    private int CountOwn(IReadOnlyList<string> arguments, out int commandStart)
    {
        int i = 0;
        while (i < arguments.Count && arguments[i].StartsWith('-') && arguments[i] != "--")
        {
            string name = arguments[i].Split('=', 2)[0];
            LaunchOption option = _options.FirstOrDefault(option => option.Names.Contains(name)) ?? throw Unknown(name);
            bool takesNext = !option.IsSwitch && name == arguments[i];
            i += takesNext ? 2 : 1;
        }

        int ownCount = Math.Min(i, arguments.Count);
        commandStart = i < arguments.Count && arguments[i] == "--" ? i + 1 : ownCount;
        return ownCount;
    }

    private LaunchValues ReadValues(string[] own)
    {
        ParseResult parsed = _root.Parse(own, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            throw Wrong(parsed.Errors[0].Message.ReplaceLineEndings(" "));
        }

        var values = new LaunchValues();
        foreach (LaunchOption option in _options)
        {
            if (option.Parser is Option<bool> turn && parsed.GetResult(turn) is { Implicit: false })
            {
                values.AddFromCommandLine(option, OptionValue.OfSwitch(option.Name, parsed.GetValue(turn)));
            }
            else if (option.Parser is Option<string[]> take)
            {
                foreach (string text in parsed.GetValue(take) ?? [])
                {
                    values.AddFromCommandLine(option, new OptionValue(option.Name, text));
                }
            }
        }

        return values;
    }

    private OpenEmbeddingException Unknown(string name)
    {
        if (UnneededOption.All.FirstOrDefault(option => option.Names.Contains(name)) is UnneededOption unneeded)
        {
            return Wrong($"{name} is not needed: {unneeded.Reason}");
        }

        string? nearest = NearestName.Find(name, _options.SelectMany(option => option.Names));
        return Wrong($"{name} is not a known option{(nearest is null ? "" : $"; did you mean \"{nearest}\"?")} (oe-run --help lists all)");
    }

    private static string Version()
    {
        Assembly assembly = typeof(LaunchCommandLine).Assembly;
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        return $"oe-run {version.Split('+')[0]}\n";
    }

    private static OpenEmbeddingException Wrong(string message) => new(message, JobExitCode.Configuration);
}
