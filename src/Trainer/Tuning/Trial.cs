namespace OpenEmbedding.Trainer.Tuning;

/// <summary>
/// A setting against the one to beat, in turns, so that what else the machine does meets both alike. Three pairs of samples decide; a
/// challenger that has not been faster on average is not measured on.
/// </summary>
/// <param name="decidesEarly">Whether a challenger may lose before the last pair.</param>
internal sealed class Trial(bool decidesEarly)
{
    /// <summary>The most samples of a trial.</summary>
    public const int Samples = 2 * Pairs;

    private const int Pairs = 3;

    private readonly List<double> _standing = [];
    private readonly List<double> _challenging = [];

    /// <summary>Whether the next sample is the challenger's.</summary>
    public bool IsChallengersTurn => _challenging.Count < _standing.Count;

    /// <summary>Whether the trial is decided.</summary>
    public bool IsOver => _challenging.Count == Pairs || (decidesEarly && _challenging.Count > 0 && !IsChallengersTurn && Gain <= 0);

    /// <summary>The mean of the logarithms of the challenger's speed over the other's, pair by pair.</summary>
    public double Gain => Ratios.Average();

    /// <summary>Whether the challenger won by more than the pairs differ among each other.</summary>
    public bool WinsClearly => _challenging.Count == Pairs && Gain > 0 && Gain > Ratios.Max() - Ratios.Min();

    /// <summary>The mean speed of the setting to beat.</summary>
    public double StandingSpeed => _standing.Average();

    /// <summary>The mean speed of the challenger.</summary>
    public double ChallengingSpeed => _challenging.Average();

    private IEnumerable<double> Ratios => _challenging.Select((speed, pair) => Math.Log(speed / _standing[pair]));

    /// <summary>Takes the speed of the one whose turn it is.</summary>
    public void Add(double speed) => (IsChallengersTurn ? _challenging : _standing).Add(speed);
}
