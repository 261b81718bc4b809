using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Tests.Configuration;
using OpenEmbedding.Trainer.Tuning;

namespace OpenEmbedding.Trainer.Tests.Tuning;

/// <summary>A training whose steps take what the settings say, on a clock of its own.</summary>
public sealed class AutotunerTests
{
    private const long RowsPerStep = 100;
    private readonly Clock _clock = new();
    private readonly StringWriter _log = new();

    [Fact]
    public void It_ends_at_the_fastest_settings_and_says_so()
    {
        using Autotuner tuner = Tuner();
        Train(tuner, steps: 2000, settings => settings is { Prefetch: 4, CycleTimeMs: 0.25 } ? 10 : settings.Prefetch == 4 || settings.CycleTimeMs == 0.25 ? 15 : 20);

        Assert.Equal(new TunedSettings(64, 0.25, 4), tuner.Wanted);
        Assert.Matches(@"^autotune: fusion 64 MiB, cycle 0\.25 ms, prefetch 4: 10\.0 k samples/s against 5\.0 k with the settings given \(\d+ samples\)$", tuner.News());
        Assert.Null(tuner.News());
    }

    [Fact]
    public void Every_sample_is_a_line_of_the_log_and_the_last_line_is_chosen()
    {
        using Autotuner tuner = Tuner();
        Train(tuner, steps: 2000, settings => settings.Prefetch == 2 ? 10 : 20);

        string[] lines = _log.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal("sample,fusion_buffer_mb,cycle_time_ms,prefetch,steps,samples_per_second,chosen", lines[0]);
        Assert.Equal("1,64,1,1,5,5000.0,0", lines[1]);
        Assert.All(lines[1..^1], line => Assert.EndsWith(",0", line));
        Assert.Equal(Enumerable.Range(1, lines.Length - 1), lines[1..].Select(line => int.Parse(line.Split(',')[0])));
        Assert.Matches($@"^{lines.Length - 1},64,1,2,\d+,10000\.0,1$", lines[^1]);
    }

    [Fact]
    public void Nothing_better_leaves_the_settings_as_they_are()
    {
        using Autotuner tuner = Tuner();
        Train(tuner, steps: 2000, _ => 20);

        Assert.Equal(new TunedSettings(64, 1, 1), tuner.Wanted);
        Assert.Equal("autotune: fusion 64 MiB, cycle 1 ms, prefetch 1 stay: none of 4 others was faster by more than samples differ (8 samples)", tuner.News());
    }

    /// <summary>The steps that warm up, those before a change is in force and the first behind it, and what comes between two steps.</summary>
    [Fact]
    public void Steps_that_say_nothing_do_not_count()
    {
        using Autotuner tuner = Tuner("--autotune.warmup_steps=7");
        TunedSettings before = default;
        Train(tuner, steps: 2000, settings =>
        {
            bool first = settings != before;
            before = settings;
            return first ? 1000 : 20;
        }, beforeStep: step =>
        {
            if (step % 50 == 3)
            {
                tuner.Pause();
                _clock.Pass(100_000);
            }
        });

        Assert.All(_log.ToString().TrimEnd('\n').Split('\n')[1..], line => Assert.Equal("5000.0", line.Split(',')[5]));
    }

    [Fact]
    public void A_training_too_short_for_it_says_so()
    {
        using Autotuner tuner = Tuner();
        Train(tuner, steps: 20, _ => 20);
        tuner.TrainingEnds();

        Assert.Equal("autotune: training ended before the search, after 2 samples; best so far: fusion 64 MiB, cycle 1 ms, prefetch 1", tuner.News());
    }

    [Fact]
    public void Nothing_to_search_is_said_at_once()
    {
        using Autotuner tuner = Tuner("--prefetch", "--cluster.cycle_time_ms=1");

        Assert.Equal("autotune: nothing to search: the settings are given, or do nothing in this job (fusion 64 MiB, cycle 1 ms, prefetch 1)", tuner.News());
        Train(tuner, steps: 100, _ => 20);
        tuner.TrainingEnds();
        Assert.Null(tuner.News());
    }

    /// <summary>Settings that are wanted are in force two steps later, as in a job.</summary>
    private void Train(Autotuner tuner, int steps, Func<TunedSettings, double> milliseconds, Action<int>? beforeStep = null)
    {
        TunedSettings running = tuner.Wanted;
        TunedSettings next = tuner.Wanted;
        for (int step = 0; step < steps; step++)
        {
            beforeStep?.Invoke(step);
            TunedSettings agreed = tuner.Wanted;
            _clock.Pass(milliseconds(running));
            tuner.StepDone(running, RowsPerStep);
            running = next;
            next = agreed;
        }
    }

    private Autotuner Tuner(params string[] arguments)
    {
        JobOptions options = ConfigurationFolder.LoadArguments(["--data=a", "--autotune.steps_per_sample=5", "--autotune.warmup_steps=0", .. arguments]);
        var space = new SettingSpace(options, TunedSettings.Of(options, TimeSpan.FromMilliseconds(1)), ranks: 2);
        return new Autotuner(space, options.Autotune, new AutotuneLog(_log), _clock);
    }

    private sealed class Clock : TimeProvider
    {
        private long _microseconds;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => _microseconds;

        public void Pass(double milliseconds) => _microseconds += (long)(milliseconds * 1000);
    }
}
