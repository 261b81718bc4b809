namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>Options that set a key of the configuration of <c>oe-train</c>.</summary>
internal sealed class TrainerGroup : OptionGroup
{
    private const string StallWarning = "cluster.stall_warning_seconds";
    private const string StallShutdown = "cluster.stall_shutdown_seconds";
    private const string SupervisedStallShutdown = "60";

    private readonly (LaunchOption Option, string Key)[] _keys;
    private readonly LaunchOption _stallWarning;
    private readonly LaunchOption _noStallCheck;

    public TrainerGroup()
        : base("Keys of oe-train")
    {
        LaunchOption fusion = Value(["--fusion-threshold-mb"], "MB", "sets cluster.fusion_buffer_mb", "params.fusion_threshold_mb");
        LaunchOption timeline = Value(["--timeline-filename"], "FILE", "sets cluster.timeline", "timeline.filename");
        _stallWarning = Value(["--stall-check-warning-time-seconds"], "S", $"sets {StallWarning}", "stall_check.warning_time_seconds");
        LaunchOption stallShutdown = Value(
            ["--stall-check-shutdown-time-seconds"], "S", $"sets {StallShutdown}; {SupervisedStallShutdown} if supervised", "stall_check.shutdown_time_seconds");
        _noStallCheck = Switch(["--no-stall-check"], $"sets {StallWarning} to 0: no warning", "stall_check.enabled", isNegation: true);
        _keys =
        [
            (fusion, "cluster.fusion_buffer_mb"),
            (timeline, "cluster.timeline"),
            (_stallWarning, StallWarning),
            (stallShutdown, StallShutdown),
        ];
    }

    /// <summary>Adds the keys to a command of <c>oe-train</c>, where options that the user wrote there come after them and win.</summary>
    /// <param name="values">The options.</param>
    /// <param name="command">The program of the ranks and its arguments.</param>
    /// <param name="supervised">Whether the job goes on from its checkpoints when it is started again.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">A key is given, and the command is another program.</exception>
    public IReadOnlyList<string> AddTo(IReadOnlyList<string> command, LaunchValues values, bool supervised)
    {
        var words = new List<string>();
        if (supervised && TrainerCommand.Is(command))
        {
            // Ranks that wait for a lost host would wait for ever.
            words.AddRange("--checkpoint.resume", "true", "--" + StallShutdown, SupervisedStallShutdown);
        }

        foreach ((LaunchOption option, string key) in _keys)
        {
            if (values.Last(option) is OptionValue value)
            {
                RefuseOtherPrograms(command, value, key);
                words.AddRange("--" + key, value.Text);
            }
        }

        if (values.On(_noStallCheck) is OptionValue off)
        {
            RefuseOtherPrograms(command, off, StallWarning);
            if (values.Last(_stallWarning) is OptionValue warning)
            {
                off.Contradicts(warning, "contradict each other; give one of them");
            }

            words.AddRange("--" + StallWarning, "0");
        }

        return words.Count == 0 ? command : [command[0], .. words, .. command.Skip(1)];
    }

    private static void RefuseOtherPrograms(IReadOnlyList<string> command, OptionValue value, string key)
    {
        if (!TrainerCommand.Is(command))
        {
            throw value.Wrong($"sets {key} of oe-train; the command of the ranks is '{command[0]}', neither oe-train nor a .json file");
        }
    }
}
