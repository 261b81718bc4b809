using System.Globalization;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>Options that set a key of the configuration of <c>oe-train</c>.</summary>
internal sealed class TrainerGroup : OptionGroup
{
    private const string StallWarning = "cluster.stall_warning_seconds";
    private const string StallShutdown = "cluster.stall_shutdown_seconds";
    private const string SupervisedStallShutdown = "60";
    private const string Autotune = "autotune.enabled";
    private const string WarmupSteps = "autotune.warmup_steps";

    // Of oe-train's autotune.steps_per_sample.
    private const int UsualStepsPerSample = 10;
    private const int MostSteps = 1_000_000;

    private readonly (LaunchOption Option, string Key)[] _keys;
    private readonly LaunchOption _stallWarning;
    private readonly LaunchOption _noStallCheck;
    private readonly LaunchOption _autotune;
    private readonly LaunchOption _noAutotune;
    private readonly LaunchOption _warmupSamples;
    private readonly LaunchOption _stepsPerSample;

    public TrainerGroup()
        : base("Keys of oe-train")
    {
        LaunchOption fusion = Value(["--fusion-threshold-mb"], "MB", "sets cluster.fusion_buffer_mb", "params.fusion_threshold_mb");
        LaunchOption cycle = Value(["--cycle-time-ms"], "MS", "sets cluster.cycle_time_ms", "params.cycle_time_ms");
        LaunchOption timeline = Value(["--timeline-filename"], "FILE", "sets cluster.timeline", "timeline.filename");
        _stallWarning = Value(["--stall-check-warning-time-seconds"], "S", $"sets {StallWarning}", "stall_check.warning_time_seconds");
        LaunchOption stallShutdown = Value(
            ["--stall-check-shutdown-time-seconds"], "S", $"sets {StallShutdown}; {SupervisedStallShutdown} if supervised", "stall_check.shutdown_time_seconds");
        _noStallCheck = Switch(["--no-stall-check"], $"sets {StallWarning} to 0: no warning", "stall_check.enabled", isNegation: true);
        _autotune = Switch(["--autotune"], $"sets {Autotune}: settings of speed are searched", "autotune.enabled");
        _noAutotune = Switch(["--no-autotune"], $"sets {Autotune} to false, whatever a file says");
        LaunchOption log = Value(["--autotune-log-file"], "FILE", "sets autotune.log", "autotune.log_file");
        _warmupSamples = Value(["--autotune-warmup-samples"], "N", $"sets {WarmupSteps} to the steps of N samples", "autotune.warmup_samples");
        _stepsPerSample = Value(["--autotune-steps-per-sample"], "N", "sets autotune.steps_per_sample", "autotune.steps_per_sample");
        LaunchOption maxSamples = Value(
            ["--autotune-bayes-opt-max-samples"], "N", "sets autotune.max_samples", "autotune.bayes_opt_max_samples");
        _keys =
        [
            (fusion, "cluster.fusion_buffer_mb"),
            (cycle, "cluster.cycle_time_ms"),
            (timeline, "cluster.timeline"),
            (_stallWarning, StallWarning),
            (stallShutdown, StallShutdown),
            (log, "autotune.log"),
            (_stepsPerSample, "autotune.steps_per_sample"),
            (maxSamples, "autotune.max_samples"),
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

        AddAutotune(words, command, values);
        return words.Count == 0 ? command : [command[0], .. words, .. command.Skip(1)];
    }

    private void AddAutotune(List<string> words, IReadOnlyList<string> command, LaunchValues values)
    {
        OptionValue? off = values.On(_noAutotune);
        if ((off ?? values.On(_autotune)) is OptionValue turn)
        {
            RefuseOtherPrograms(command, turn, Autotune);
            words.AddRange("--" + Autotune, off is null ? "true" : "false");
        }

        if (values.Last(_warmupSamples) is OptionValue warmup)
        {
            RefuseOtherPrograms(command, warmup, WarmupSteps);
            int steps = values.Last(_stepsPerSample)?.Whole(1, MostSteps) ?? UsualStepsPerSample;
            int samples = warmup.Whole(0, MostSteps / steps);
            words.AddRange("--" + WarmupSteps, (samples * steps).ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void RefuseOtherPrograms(IReadOnlyList<string> command, OptionValue value, string key)
    {
        if (!TrainerCommand.Is(command))
        {
            throw value.Wrong($"sets {key} of oe-train; the command of the ranks is '{command[0]}', neither oe-train nor a .json file");
        }
    }
}
