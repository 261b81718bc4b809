using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Says how far training is: one line that rewrites itself on a terminal, plain lines in a log. Only the first trainer has one that speaks.</summary>
internal sealed class ProgressReport
{
    private static readonly TimeSpan _redraw = TimeSpan.FromMilliseconds(100);
    private readonly TextWriter _out;
    private readonly bool _bar;
    private readonly bool _lines;
    private readonly int _every;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _lastDrawn;
    private long _lastSamples;
    private int _drawnWidth;

    private ProgressReport(TextWriter output, ProgressStyle style, int every)
    {
        _out = output;
        _bar = style == ProgressStyle.Bar;
        _lines = style == ProgressStyle.Lines;
        _every = every;
    }

    /// <summary>Makes the report of one trainer.</summary>
    /// <param name="speaks">Whether this trainer is the one that prints.</param>
    /// <param name="style">Bar, lines, none, or auto: a bar on a terminal, else lines.</param>
    /// <param name="every">Steps between two lines; 0 prints none.</param>
    public static ProgressReport Create(bool speaks, ProgressStyle style, int every)
    {
        if (style == ProgressStyle.Auto)
        {
            style = Console.IsOutputRedirected ? ProgressStyle.Lines : ProgressStyle.Bar;
        }

        return new ProgressReport(Console.Out, speaks ? style : ProgressStyle.None, every);
    }

    /// <summary>Prints a line of its own, below the bar if there is one.</summary>
    public void Say(string line)
    {
        if (_bar || _lines)
        {
            EndBar();
            _out.WriteLine(line);
        }
    }

    /// <summary>Reports a finished step.</summary>
    /// <param name="step">Steps done in this epoch.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="samples">Samples of all trainers since the start of training.</param>
    /// <param name="meanLoss">Mean log-loss of the epoch so far, in nats.</param>
    public void Step(long step, int epoch, long samples, double meanLoss)
    {
        if (_lines && _every > 0 && step % _every == 0)
        {
            _out.WriteLine(Text(step, epoch, samples, meanLoss));
        }
        else if (_bar && _clock.Elapsed - _lastDrawn >= _redraw)
        {
            string text = Text(step, epoch, samples, meanLoss);
            _out.Write('\r' + text.PadRight(_drawnWidth));
            _drawnWidth = text.Length;
        }
    }

    private string Text(long step, int epoch, long samples, double meanLoss)
    {
        TimeSpan now = _clock.Elapsed;
        double speed = (samples - _lastSamples) / (now - _lastDrawn).TotalSeconds;
        _lastDrawn = now;
        _lastSamples = samples;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {epoch}  step {step}  samples {samples:N0}  logloss {meanLoss:F5}  {speed:N0} samples/s");
    }

    private void EndBar()
    {
        if (_drawnWidth > 0)
        {
            _out.WriteLine();
            _drawnWidth = 0;
        }
    }
}
