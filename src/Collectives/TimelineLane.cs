using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>A row of the timeline for what one part of the program does; without a timeline, and as the default value, it keeps nothing.</summary>
/// <remarks>Any thread may use it. Events of one lane may overlap; a viewer then stacks them.</remarks>
/// <example><code>
/// var lane = communication.TimelineLane("trainer");
/// using (lane.Begin("forward"))
/// {
///     …
/// }
/// </code></example>
public readonly struct TimelineLane
{
    private readonly Communication? _communication;
    private readonly string _name;

    internal TimelineLane(Communication communication, string name)
    {
        _communication = communication;
        _name = name;
    }

    /// <summary>Starts an event that lasts until the span is disposed.</summary>
    /// <param name="what">What happens, such as "forward".</param>
    public TimelineSpan Begin(string what) => new(this, what, Stopwatch.GetTimestamp());

    /// <summary>Adds an event that ends now.</summary>
    /// <param name="what">What happened.</param>
    /// <param name="started">When it began, of <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void Mark(string what, long started) => _communication?.AddToTimeline(_name, what, started);
}

/// <summary>An event of a timeline that is going on; ends when disposed.</summary>
public readonly struct TimelineSpan : IDisposable
{
    private readonly TimelineLane _lane;
    private readonly string _what;
    private readonly long _started;

    internal TimelineSpan(TimelineLane lane, string what, long started)
    {
        _lane = lane;
        _what = what;
        _started = started;
    }

    /// <inheritdoc/>
    public void Dispose() => _lane.Mark(_what, _started);
}
