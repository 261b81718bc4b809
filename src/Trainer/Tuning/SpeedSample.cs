namespace OpenEmbedding.Trainer.Tuning;

/// <summary>Steps of one setting, measured together.</summary>
/// <param name="Steps">How many.</param>
/// <param name="Samples">Samples of all trainers in them.</param>
/// <param name="Seconds">The time that they took.</param>
internal readonly record struct SpeedSample(long Steps, long Samples, double Seconds)
{
    /// <summary>Samples of all trainers in a second.</summary>
    public double Speed => Samples / Math.Max(Seconds, 1e-9);

    /// <summary>Both together.</summary>
    public static SpeedSample operator +(SpeedSample a, SpeedSample b) => new(a.Steps + b.Steps, a.Samples + b.Samples, a.Seconds + b.Seconds);
}
