using System.Globalization;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>Whether and how the job is started again when it loses ranks.</summary>
internal sealed class SupervisionGroup : OptionGroup
{
    private readonly LaunchOption _minimum;
    private readonly LaunchOption _maximum;
    private readonly LaunchOption _resetLimit;
    private readonly LaunchOption _cooldown;
    private readonly LaunchOption _script;
    private readonly LaunchOption _slots;
    private readonly LaunchOption _timeout;

    public SupervisionGroup()
        : base("Supervision: any of these starts a job that lost ranks again, from its newest checkpoint")
    {
        _minimum = Value(["--min-np", "--min-num-proc"], "N", "fewest ranks to go on with; by default as many as at first", "elastic.min_np");
        _maximum = Value(["--max-np", "--max-num-proc"], "N", "most ranks, as hosts come; by default as many as at first", "elastic.max_np");
        _resetLimit = Value(["--reset-limit"], "N", "most restarts; by default 10", "elastic.reset_limit");
        _cooldown = Value(
            ["--blacklist-cooldown-range"], "LO,HI", "seconds a failed host is set aside, from LO doubling to HI; by default 10,300", "elastic.blacklist_cooldown_range");
        _script = Value(["--host-discovery-script"], "FILE", "program that prints the hosts there are, 'host' or 'host:slots' a line", "elastic.host_discovery_script");
        _slots = Value(["--slots-per-host", "--slots"], "N", "slots of hosts for which the script prints none; by default 1", "elastic.slots");
        _timeout = Value(["--elastic-timeout"], "S", "seconds to wait for --min-np slots; by default 600", "elastic.timeout");
    }

    /// <summary>The rules; null for a job that is not supervised.</summary>
    /// <param name="values">The options.</param>
    /// <param name="ranks">The number of ranks at first; null if only the options below say how many.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">A value is wrong, or they contradict each other.</exception>
    public SupervisionOptions? Read(LaunchValues values, int? ranks)
    {
        if (Options.All(option => values.Last(option) is null))
        {
            return null;
        }

        OptionValue? least = values.Last(_minimum);
        OptionValue? most = values.Last(_maximum);
        int minimum = least?.Whole(1) ?? ranks ?? 1;
        int maximum = most?.Whole(1) ?? ranks ?? int.MaxValue;
        if (least is not null && minimum > maximum)
        {
            throw least.Wrong($"{minimum} is more than the {maximum} ranks of {(most is null ? "-np" : most.Origin)}");
        }

        var standard = new SupervisionOptions { MinimumRanks = Math.Min(minimum, maximum), MaximumRanks = maximum };
        (TimeSpan shortest, TimeSpan longest) = values.Last(_cooldown) is { } range ? ReadRange(range) : (standard.ShortestCooldown, standard.LongestCooldown);
        return standard with
        {
            ResetLimit = values.Last(_resetLimit)?.Whole(0) ?? standard.ResetLimit,
            ShortestCooldown = shortest,
            LongestCooldown = longest,
            ElasticTimeout = values.Last(_timeout) is { } timeout ? TimeSpan.FromSeconds(timeout.Whole(0)) : standard.ElasticTimeout,
            DiscoveryScript = values.Last(_script) is { } script ? ReadScript(script) : null,
            SlotsPerHost = values.Last(_slots)?.Whole(1, HostList.MaximumSlots) ?? standard.SlotsPerHost,
        };
    }

    private static (TimeSpan Shortest, TimeSpan Longest) ReadRange(OptionValue range)
    {
        string[] parts = range.Text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 && ReadSeconds(parts[0]) is { } shortest && ReadSeconds(parts[1]) is { } longest && shortest <= longest
            ? (shortest, longest)
            : throw range.Wrong($"takes two numbers of seconds, the smaller one first, as in 10,300; this is '{range.Text}'");
    }

    private static TimeSpan? ReadSeconds(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds <= 1e9 ? TimeSpan.FromSeconds(seconds) : null;

    private static string ReadScript(OptionValue script) => File.Exists(script.Text)
        ? Path.GetFullPath(script.Text)
        : throw script.Wrong($"takes a program; there is no file '{script.Text}'");
}
