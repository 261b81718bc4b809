using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

public sealed class InterruptionTests
{
    private readonly HandClock _clock = new();

    [Fact]
    public void Without_checkpoints_the_first_signal_ends_the_job()
    {
        var interruption = new Interruption(_clock);
        Assert.False(interruption.Note(PosixSignal.SIGTERM));
        Assert.Equal("SIGTERM", interruption.Signal);
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM, PosixSignal.SIGTERM, true)]
    [InlineData(PosixSignal.SIGINT, PosixSignal.SIGTERM, true)]
    [InlineData(PosixSignal.SIGINT, PosixSignal.SIGINT, false)]
    public void Only_sigterm_has_echoes(PosixSignal first, PosixSignal second, bool echo)
    {
        var interruption = new Interruption(_clock) { Deferred = true };
        Assert.True(interruption.Note(first));
        _clock.Now += Interruption.EchoTime / 2;
        Assert.Equal(echo, interruption.Note(second));
        Assert.Equal(first.ToString(), interruption.Signal);
    }

    [Fact]
    public void A_later_signal_ends_the_job()
    {
        var interruption = new Interruption(_clock) { Deferred = true };
        Assert.True(interruption.Note(PosixSignal.SIGTERM));
        _clock.Now += Interruption.EchoTime;
        Assert.False(interruption.Note(PosixSignal.SIGTERM));
    }

    [Fact]
    public void A_job_that_is_over_has_its_exit_code()
    {
        var interruption = new Interruption(_clock);
        interruption.Settle();
        Assert.True(interruption.Note(PosixSignal.SIGTERM));
        Assert.Null(interruption.Signal);
        Assert.False(interruption.Note(PosixSignal.SIGINT));
    }

    private sealed class HandClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
