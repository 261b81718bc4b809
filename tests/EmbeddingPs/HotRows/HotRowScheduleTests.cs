using OpenEmbedding.EmbeddingPs.HotRows;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

public class HotRowScheduleTests
{
    [Theory]
    [InlineData(128, "16 32 64 128 256 384")]
    [InlineData(100, "16 32 64 100 200 300 400")]
    [InlineData(1, "1 2 3 4 5 6 7")]
    [InlineData(16, "16 32 48")]
    public void ChoicesComeEarlyAndThenOncePerPeriod(int period, string expected)
    {
        var schedule = new HotRowSchedule(new HotRowOptions { HotRows = 1, Period = period });
        var choices = Enumerable.Range(1, 400).Where(step => schedule.LastChoice(step) == step).Take(expected.Split(' ').Length);
        Assert.Equal(expected, string.Join(' ', choices));
        Assert.All(Enumerable.Range(1, 400), step =>
            Assert.Equal(Enumerable.Range(1, step).LastOrDefault(earlier => schedule.LastChoice(earlier) == earlier), schedule.LastChoice(step)));
    }

    [Fact]
    public void WithoutHotRowsNothingIsChosenNorCounted()
    {
        var schedule = new HotRowSchedule(new HotRowOptions { SparseAsDenseSize = 5 });
        Assert.Equal(0, schedule.LastChoice(1 << 20));
        Assert.False(schedule.Counts(0));
    }
}
