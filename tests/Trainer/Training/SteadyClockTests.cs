using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

public sealed class SteadyClockTests
{
    [Theory]
    [InlineData(0, 5, 5)]
    [InlineData(2, 5, 3)]
    [InlineData(4, 5, 1)]
    public void The_first_steps_do_not_count(long skip, int steps, long counted)
    {
        var clock = new SteadyClock(skip);
        clock.Resume(0);
        for (int step = 1; step <= steps; step++)
        {
            clock.StepDone(step, samples: 10 * step);
        }

        SteadySpeed speed = clock.Speed!;
        Assert.Equal((counted, Enumerable.Range(1, steps).Skip((int)skip).Sum(step => 10L * step)), (speed.Steps, speed.Samples));
        Assert.Equal(speed.Seconds > 0 ? speed.Samples / speed.Seconds : 0, speed.SamplesPerSecond);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(9, 5)]
    public void Without_a_step_that_counts_there_is_no_speed(long skip, int steps)
    {
        var clock = new SteadyClock(skip);
        clock.Resume(0);
        for (int step = 1; step <= steps; step++)
        {
            clock.StepDone(step, samples: 1);
        }

        Assert.Null(clock.Speed);
    }

    [Fact]
    public void A_pause_goes_on_where_it_stopped()
    {
        var clock = new SteadyClock(1);
        clock.Resume(0);
        clock.StepDone(1, samples: 1);
        clock.StepDone(2, samples: 1);
        clock.Pause();
        double seconds = clock.Speed!.Seconds;
        clock.Resume(2);
        clock.StepDone(3, samples: 1);
        Assert.Equal((2L, 2L), (clock.Speed!.Steps, clock.Speed.Samples));
        Assert.True(clock.Speed.Seconds >= seconds);
    }
}
