using OpenEmbedding.EmbeddingPs.HotRows;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>Counts of eight batches of all trainers together.</summary>
public class HotKeySelectionTests
{
    private const int Batches = 8;

    [Fact]
    public void AKeyOfHalfOfTheBatchesBecomesHot() =>
        Assert.Equal([5, 6], Choose([], limit: 10, Counts((5, 2), (6, 3), (7, 2)), Counts((5, 2), (6, 3), (8, 3))));

    [Fact]
    public void AKeyOnlyOneTrainerHasCountsLikeAnother() =>
        Assert.Equal([5], Choose([], limit: 10, Counts((5, 4)), Counts()));

    [Fact]
    public void AHotKeyStaysUntilFewerThanThreeEighthsHaveIt() =>
        Assert.Equal([5, 7], Choose([(5, 3), (6, 2), (7, 8)], limit: 10, Counts()));

    [Theory]
    [InlineData(6, 7, 5)]
    [InlineData(6, 8, 6)]
    [InlineData(4, 5, 5)]
    public void AHotKeyGivesItsPlaceToOneThatIsAQuarterMoreFrequent(int hot, int other, long chosen) =>
        Assert.Equal([chosen], Choose([(5, hot)], limit: 1, Counts((6, other))));

    [Fact]
    public void TheMostFrequentGetThePlacesAndEqualOnesInTheOrderOfTheirKeys() =>
        Assert.Equal([3, 8, 9], Choose([], limit: 3, Counts((9, 6), (4, 5), (8, 5), (3, 5)), Counts((9, 2), (8, 3), (3, 1), (4, 1))));

    [Fact]
    public void AKeySeenOnceIsNotReported() => Assert.Empty(Choose([], limit: 10, Counts((5, 1)), Counts((5, 1)), Counts((5, 1)), Counts((5, 1))));

    [Fact]
    public void KeysOfDifferentSpacesAreDifferent()
    {
        var counts = new KeyCounts(8);
        counts.Set(new HotKey(1, 5), 8);
        counts.Set(new HotKey(0, 5), 3);
        var hot = new HotKeySet([], 2);
        byte[] report = new byte[HotKeySelection.ReportBytes(0, 4)];
        HotKeySelection.WriteReport(report, [], counts, hot, 4);
        Assert.Equal([new HotKey(1, 5)], HotKeySelection.Choose(hot, report, 1, Batches, 4));
    }

    private static (long Key, int Count)[] Counts(params (long Key, int Count)[] counts) => counts;

    private static long[] Choose((long Key, int Count)[] hot, int limit, params (long Key, int Count)[][] trainers)
    {
        var set = new HotKeySet([.. hot.Select(key => new HotKey(0, key.Key))], 1);
        int reportBytes = HotKeySelection.ReportBytes(hot.Length, limit);
        byte[] reports = new byte[trainers.Length * reportBytes];
        for (int trainer = 0; trainer < trainers.Length; trainer++)
        {
            // The first trainer alone saw the hot keys.
            int[] hotCounts = [.. hot.Select(key => trainer == 0 ? key.Count : 0)];
            var counts = new KeyCounts(64);
            foreach (var (key, count) in trainers[trainer])
            {
                counts.Set(new HotKey(0, key), count);
            }

            HotKeySelection.WriteReport(reports.AsSpan(trainer * reportBytes, reportBytes), hotCounts, counts, set, limit);
        }

        return [.. HotKeySelection.Choose(set, reports, trainers.Length, Batches, limit).Select(key => key.Key)];
    }
}
