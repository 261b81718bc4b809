using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Says on a terminal how many rows are done, how fast, and how long the rest takes; elsewhere it is silent.</summary>
internal sealed class RowProgress
{
    private static readonly TimeSpan _redraw = TimeSpan.FromMilliseconds(200);

    private readonly TextWriter? _terminal;
    private readonly string _what;
    private readonly double _whole;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _lastDrawn;
    private int _drawnWidth;

    private RowProgress(TextWriter? terminal, string what, double whole)
    {
        _terminal = terminal;
        _what = what;
        _whole = whole;
    }

    /// <summary>The time since the start.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>The progress through a number of things, rows or bytes, told on standard error if that is a terminal.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="whole">How many things there are.</param>
    public static RowProgress Through(string what, double whole) => new(Console.IsErrorRedirected ? null : Console.Error, what, whole);

    /// <summary>The progress through the bytes of files.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="files">The files.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">A file is missing.</exception>
    public static RowProgress Through(string what, DataFiles files) => Through(what, InputFiles.Expand(files.Files).Sum(path => new FileInfo(path).Length));

    /// <summary>Tells how far it is.</summary>
    /// <param name="rows">Rows done.</param>
    /// <param name="done">Things done, of which <c>whole</c> is the end.</param>
    public void Report(long rows, double done)
    {
        if (_terminal is null || _clock.Elapsed - _lastDrawn < _redraw)
        {
            return;
        }

        _lastDrawn = _clock.Elapsed;
        double share = Math.Clamp(done / _whole, 0, 1);
        TimeSpan left = share > 0 ? _lastDrawn * ((1 - share) / share) : TimeSpan.Zero;
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{_what}: {rows:N0} rows  {share:P0}  {rows / _lastDrawn.TotalSeconds:N0} rows/s  {(int)left.TotalMinutes}:{left.Seconds:D2} left");
        _terminal.Write('\r' + text.PadRight(_drawnWidth));
        _drawnWidth = text.Length;
    }

    /// <summary>Takes what was told off the terminal.</summary>
    public void End()
    {
        if (_drawnWidth > 0)
        {
            _terminal!.Write('\r' + new string(' ', _drawnWidth) + '\r');
            _drawnWidth = 0;
        }
    }
}
