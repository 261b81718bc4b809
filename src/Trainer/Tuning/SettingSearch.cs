namespace OpenEmbedding.Trainer.Tuning;

/// <summary>
/// Looks for the fastest place in a grid by noisy samples: coordinate by coordinate, every other value in a <see cref="Trial"/> against the best so
/// far, until a round over all coordinates changes nothing or the samples are used up. A last trial holds the result against the start, which
/// stays unless the result is faster again.
/// </summary>
/// <remarks>Who uses it measures at <see cref="Current"/> and calls <see cref="Report"/>, in turns, until <see cref="IsOver"/>.</remarks>
internal sealed class SettingSearch
{
    private readonly IReadOnlyList<int> _sizes;
    private readonly int[] _start;
    private readonly IEnumerator<int[]> _steps;
    private int[] _best;
    private int _samplesLeft;
    private double _speed;

    /// <summary>Begins a search.</summary>
    /// <param name="sizes">The number of values of each coordinate, at least 1.</param>
    /// <param name="start">Where the search begins.</param>
    /// <param name="maxSamples">The most samples; fewer than two trials take (12) find nothing.</param>
    public SettingSearch(IReadOnlyList<int> sizes, IReadOnlyList<int> start, int maxSamples)
    {
        _sizes = sizes;
        _start = [.. start];
        _best = _start;
        _samplesLeft = maxSamples;
        _steps = Search();
        IsOver = !_steps.MoveNext();
    }

    /// <summary>Whether no sample is asked for any more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The place to measure next; once the search is over, the result.</summary>
    public IReadOnlyList<int> Current => IsOver ? _best : _steps.Current;

    /// <summary>The best place so far.</summary>
    public IReadOnlyList<int> Best => _best;

    /// <summary>Samples reported.</summary>
    public int SamplesTaken { get; private set; }

    /// <summary>Places that were held against the best.</summary>
    public int PlacesTried { get; private set; }

    /// <summary>The last trial, of the result against the start; null before it, and where nothing better was found.</summary>
    public Trial? Check { get; private set; }

    /// <summary>Takes the speed measured at <see cref="Current"/>.</summary>
    /// <param name="speed">Above 0; more is better.</param>
    public void Report(double speed)
    {
        _speed = speed;
        _samplesLeft--;
        SamplesTaken++;
        IsOver = !_steps.MoveNext();
    }

    private IEnumerator<int[]> Search()
    {
        bool changed;
        do
        {
            changed = false;
            foreach (int[] challenger in Others())
            {
                // Enough must be left to hold the result against the start.
                if (_samplesLeft < 2 * Trial.Samples)
                {
                    break;
                }

                PlacesTried++;
                var trial = new Trial(decidesEarly: true);
                while (!trial.IsOver)
                {
                    yield return trial.IsChallengersTurn ? challenger : _best;
                    trial.Add(_speed);
                }

                if (trial.WinsClearly)
                {
                    _best = challenger;
                    changed = true;
                }
            }
        }
        while (changed && _samplesLeft >= 2 * Trial.Samples);

        if (_best.SequenceEqual(_start))
        {
            yield break;
        }

        Check = new Trial(decidesEarly: false);
        while (!Check.IsOver)
        {
            yield return Check.IsChallengersTurn ? _best : _start;
            Check.Add(_speed);
        }

        if (Check.Gain <= 0)
        {
            _best = _start;
        }
    }

    /// <summary>The places that differ from the best, as it is by then, in one coordinate; coordinate by coordinate.</summary>
    private IEnumerable<int[]> Others()
    {
        for (int coordinate = 0; coordinate < _sizes.Count; coordinate++)
        {
            int standing = _best[coordinate];
            for (int value = 0; value < _sizes[coordinate]; value++)
            {
                if (value != standing)
                {
                    int[] place = [.. _best];
                    place[coordinate] = value;
                    yield return place;
                }
            }
        }
    }
}
