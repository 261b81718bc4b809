using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>Chooses the hot keys from what all trainers counted: a plain function of that, so that all trainers choose the same.</summary>
/// <remarks>
/// A key becomes hot if at least half of the batches have it: below that, its part in the sums of every step costs more than pulling and
/// pushing it when it comes. It stays until fewer than three eighths have it, and for a place among the most frequent it counts a quarter
/// more than a key that is not hot yet, so that keys do not come and go.
/// </remarks>
internal static class HotKeySelection
{
    private const int BonusParts = 5;
    private const int PlainParts = 4;

    /// <summary>The bytes of one trainer's report, the same on all.</summary>
    public static int ReportBytes(int hotKeys, int limit) => (((hotKeys * sizeof(int)) + 7) & -8) + (CandidatesOf(limit) * Unsafe.SizeOf<Candidate>());

    /// <summary>Writes what this trainer counted.</summary>
    /// <param name="report">Receives <see cref="ReportBytes"/>.</param>
    /// <param name="hotCounts">The counts of the keys that are hot, in their order.</param>
    /// <param name="counts">The counts of others.</param>
    /// <param name="hot">The keys that are hot.</param>
    /// <param name="limit">The most hot keys.</param>
    public static void WriteReport(Span<byte> report, ReadOnlySpan<int> hotCounts, KeyCounts counts, HotKeySet hot, int limit)
    {
        report.Clear();
        MemoryMarshal.AsBytes(hotCounts).CopyTo(report);
        var candidates = CandidatesIn(report, limit);
        int next = 0;
        foreach (var (key, count) in counts.Largest(candidates.Length, hot))
        {
            candidates[next++] = new Candidate { Key = key.Key, Space = key.Space, Count = count };
        }
    }

    /// <summary>Chooses.</summary>
    /// <param name="hot">The keys that are hot.</param>
    /// <param name="reports">The reports of all trainers, one after the other.</param>
    /// <param name="trainers">How many.</param>
    /// <param name="batches">How many batches all trainers counted, empty ones too.</param>
    /// <param name="limit">The most hot keys.</param>
    /// <returns>The keys to be hot, in order.</returns>
    public static HotKey[] Choose(HotKeySet hot, Span<byte> reports, int trainers, long batches, int limit)
    {
        long[] hotCounts = new long[hot.Keys.Length];
        var others = new Dictionary<HotKey, long>();
        int reportBytes = reports.Length / trainers;
        for (int trainer = 0; trainer < trainers; trainer++)
        {
            var report = reports.Slice(trainer * reportBytes, reportBytes);
            var counts = MemoryMarshal.Cast<byte, int>(report);
            for (int i = 0; i < hotCounts.Length; i++)
            {
                hotCounts[i] += counts[i];
            }

            foreach (ref readonly var candidate in CandidatesIn(report, limit))
            {
                if (candidate.Count > 0)
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(others, new HotKey(candidate.Space, candidate.Key), out _) += candidate.Count;
                }
            }
        }

        var ranked = new List<(long Score, HotKey Key)>();
        for (int i = 0; i < hotCounts.Length; i++)
        {
            if (8 * hotCounts[i] >= 3 * batches)
            {
                ranked.Add((BonusParts * hotCounts[i], hot.Keys[i]));
            }
        }

        ranked.AddRange(others.Where(other => 2 * other.Value >= batches).Select(other => (PlainParts * other.Value, other.Key)));
        return [.. ranked.OrderByDescending(entry => entry.Score).ThenBy(entry => entry.Key).Take(limit).Select(entry => entry.Key).Order()];
    }

    // More than there are places, because the trainers do not rank keys alike; but so many at most that the reports stay short: the next
    // choice takes the rest.
    private static int CandidatesOf(int limit) => (int)Math.Min(2L * limit, 1 << 16);

    private static Span<Candidate> CandidatesIn(Span<byte> report, int limit) =>
        MemoryMarshal.Cast<byte, Candidate>(report[^(CandidatesOf(limit) * Unsafe.SizeOf<Candidate>())..]);

    private struct Candidate
    {
        public long Key;
        public int Space;
        public int Count;
    }
}
