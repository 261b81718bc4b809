using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>How often each event of this rank's timeline came, and how long all of them took together. Any thread may use it.</summary>
public sealed class PhaseTotals
{
    private readonly Dictionary<(string Lane, string What), (long Count, long Ticks)> _totals = [];

    /// <summary>All events so far, the longest first.</summary>
    public IReadOnlyList<PhaseTotal> Read()
    {
        lock (_totals)
        {
            return [.. _totals.Select(total => new PhaseTotal(
                total.Key.Lane, total.Key.What, total.Value.Count, total.Value.Ticks / (double)Stopwatch.Frequency)).OrderByDescending(total => total.Seconds)];
        }
    }

    internal void Add(string lane, string what, long ticks)
    {
        lock (_totals)
        {
            (long count, long sum) = _totals.GetValueOrDefault((lane, what));
            _totals[(lane, what)] = (count + 1, sum + ticks);
        }
    }
}

/// <summary>The events of one kind.</summary>
/// <param name="Lane">The row of the timeline, such as "trainer".</param>
/// <param name="What">What happened, such as "forward".</param>
/// <param name="Count">How often.</param>
/// <param name="Seconds">How long, all of them together.</param>
public sealed record PhaseTotal(string Lane, string What, long Count, double Seconds);
