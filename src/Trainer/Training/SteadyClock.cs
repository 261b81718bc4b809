using System.Diagnostics;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Measures training without its first steps, which warm up compiler, memory and files.</summary>
/// <param name="skip">Steps that are left out.</param>
internal sealed class SteadyClock(long skip)
{
    private readonly Stopwatch _clock = new();
    private long _steps;
    private long _samples;
    private double _seconds;

    /// <summary>What has been measured so far; null before the first step that counts.</summary>
    public SteadySpeed? Speed => _steps > 0 ? new SteadySpeed(_steps, _samples, _seconds) : null;

    /// <summary>Goes on measuring; call it when training starts and again after a pause.</summary>
    /// <param name="stepsDone">Steps done so far.</param>
    public void Resume(long stepsDone)
    {
        if (stepsDone >= skip)
        {
            _clock.Start();
        }
    }

    /// <summary>Notes the end of a step.</summary>
    /// <param name="stepsDone">Steps done, this one included.</param>
    /// <param name="samples">Samples of all trainers in this step.</param>
    public void StepDone(long stepsDone, long samples)
    {
        if (stepsDone > skip)
        {
            _steps++;
            _samples += samples;
            _seconds = _clock.Elapsed.TotalSeconds;
        }
        else if (stepsDone == skip)
        {
            _clock.Start();
        }
    }

    /// <summary>Leaves out what comes now, such as the test rows.</summary>
    public void Pause() => _clock.Stop();
}

/// <summary>The speed of the steps that count.</summary>
/// <param name="Steps">Steps measured.</param>
/// <param name="Samples">Samples of all trainers in them.</param>
/// <param name="Seconds">Their time on the first trainer.</param>
internal sealed record SteadySpeed(long Steps, long Samples, double Seconds)
{
    /// <summary>Samples of all trainers in a second.</summary>
    public double SamplesPerSecond => Seconds > 0 ? Samples / Seconds : 0;
}
