using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Tests.Configuration;
using OpenEmbedding.Trainer.Tuning;

namespace OpenEmbedding.Trainer.Tests.Tuning;

public sealed class SettingSpaceTests
{
    private static readonly TimeSpan _cycleTime = TimeSpan.FromMilliseconds(1);

    [Theory]
    [InlineData(4, new[] { 1, 3, 3 })]
    [InlineData(4, new[] { 4, 3, 3 }, "--cluster.strategy=allreduce")]
    [InlineData(4, new[] { 1, 3, 3 }, "--cluster.strategy=allreduce", "--cluster.fusion_buffer_mb=64")]
    [InlineData(4, new[] { 1, 1, 3 }, "--cluster.cycle_time_ms=1")]
    [InlineData(4, new[] { 1, 3, 1 }, "--prefetch")]
    [InlineData(1, new[] { 1, 1, 3 }, "--cluster.strategy=allreduce")]
    public void What_is_given_or_does_nothing_is_not_searched(int ranks, int[] sizes, params string[] arguments) =>
        Assert.Equal(sizes, Space(ranks, arguments).Sizes);

    [Fact]
    public void The_start_is_what_the_job_has()
    {
        SettingSpace space = Space(4, "--prefetch", "9", "--cluster.fusion_buffer_mb", "100");
        Assert.Equal(new TunedSettings(100, 1, 9), space[space.Start]);
    }

    [Fact]
    public void A_value_taken_away_is_searched() => Assert.Equal([1, 3, 3], Space(4, "--train.prefetch", "9", "--train.prefetch", "null").Sizes);

    private static SettingSpace Space(int ranks, params string[] arguments)
    {
        JobOptions options = ConfigurationFolder.LoadArguments(["--data=a", .. arguments]);
        return new SettingSpace(options, TunedSettings.Of(options, _cycleTime), ranks);
    }
}
