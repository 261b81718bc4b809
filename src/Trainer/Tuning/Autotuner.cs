using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tuning;

/// <summary>The first trainer's part in the search: it times the steps and says with which settings all are to go on.</summary>
/// <remarks>Used from the thread that trains. What it wants is in force some steps later; these count for no sample, nor do the first ones after a change.</remarks>
internal sealed class Autotuner : IDisposable
{
    private readonly SettingSpace _space;
    private readonly SettingSearch _search;
    private readonly AutotuneOptions _options;
    private readonly AutotuneLog? _log;
    private readonly TimeProvider _time;
    private readonly TunedSettings _start;
    private readonly Dictionary<TunedSettings, SpeedSample> _sums = [];
    private int _warmup;
    private int _settling = 1;
    private long? _lastStep;
    private SpeedSample _sample;
    private string? _news;
    private bool _hasEnded;

    /// <summary>Begins a search.</summary>
    /// <param name="space">The settings to choose from.</param>
    /// <param name="options">How long it may take.</param>
    /// <param name="log">Takes the samples; null for none.</param>
    /// <param name="time">The clock.</param>
    public Autotuner(SettingSpace space, AutotuneOptions options, AutotuneLog? log, TimeProvider time)
    {
        _space = space;
        _options = options;
        _log = log;
        _time = time;
        _search = new SettingSearch(space.Sizes, space.Start, options.MaxSamples);
        _start = space[space.Start];
        _warmup = options.WarmupSteps;
        Wanted = _start;
        if (_search.IsOver)
        {
            End($"autotune: nothing to search: the settings are given, or do nothing in this job ({_start})");
        }
    }

    /// <summary>The settings with which all trainers are to go on.</summary>
    public TunedSettings Wanted { get; private set; }

    /// <summary>Notes the end of a step of all trainers.</summary>
    /// <param name="settings">The settings with which it ran.</param>
    /// <param name="samples">Samples of all trainers in it.</param>
    public void StepDone(TunedSettings settings, long samples)
    {
        if (_hasEnded)
        {
            return;
        }

        long now = _time.GetTimestamp();
        TimeSpan? step = _lastStep is { } last ? _time.GetElapsedTime(last, now) : null;
        _lastStep = now;
        if (_warmup > 0)
        {
            _warmup--;
        }
        else if (settings == Wanted && step is { } length)
        {
            Add(new SpeedSample(1, samples, length.TotalSeconds));
        }
    }

    /// <summary>Leaves out what comes before the end of the next step, such as test rows or a checkpoint.</summary>
    public void Pause() => _lastStep = null;

    /// <summary>What is to be printed, once; null if nothing.</summary>
    public string? News()
    {
        string? news = _news;
        _news = null;
        return news;
    }

    /// <summary>Ends a search that training was too short for.</summary>
    public void TrainingEnds()
    {
        if (!_hasEnded)
        {
            End(FormattableString.Invariant(
                $"autotune: training ended before the search, after {_search.SamplesTaken} samples; best so far: {_space[_search.Best]}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _log?.Dispose();

    private void Add(SpeedSample step)
    {
        if (_settling > 0)
        {
            _settling--;
            return;
        }

        _sample += step;
        if (_sample.Steps < _options.StepsPerSample)
        {
            return;
        }

        _log?.Add(Wanted, _sample.Steps, _sample.Speed);
        _sums[Wanted] = _sums.GetValueOrDefault(Wanted) + _sample;
        _search.Report(_sample.Speed);
        _sample = default;
        TunedSettings before = Wanted;
        Wanted = _space[_search.Current];
        _settling = StepsToSettle(before, Wanted);
        if (_search.IsOver)
        {
            SpeedSample chosen = _sums[Wanted];
            _log?.Choose(Wanted, chosen.Steps, chosen.Speed);
            End(Describe());
        }
    }

    // Batches that were read before a change, and the buffers of more of them, have to be through.
    private static int StepsToSettle(TunedSettings before, TunedSettings after) =>
        before == after ? 0
        : before.Prefetch == after.Prefetch ? 1
        : Math.Max(before.Prefetch, after.Prefetch) + BatchPipeline.InUse;

    private string Describe()
    {
        if (_search.Check is { } check && Wanted != _start)
        {
            return FormattableString.Invariant(
                $"autotune: {Wanted}: {check.ChallengingSpeed / 1000:F1} k samples/s against {check.StandingSpeed / 1000:F1} k with the settings given ({_search.SamplesTaken} samples)");
        }

        return FormattableString.Invariant(
            $"autotune: {Wanted} stay: none of {_search.PlacesTried} others was faster by more than samples differ ({_search.SamplesTaken} samples)");
    }

    private void End(string news)
    {
        _hasEnded = true;
        _news = news;
        _log?.Dispose();
    }
}
