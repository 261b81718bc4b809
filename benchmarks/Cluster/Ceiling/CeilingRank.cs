using System.Diagnostics;
using System.Text.Json;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Benchmarks.Cluster.Ceiling;

/// <summary>One rank of the ceiling: the ranks meet before and after their steps and say nothing to each other between.</summary>
internal static class CeilingRank
{
    /// <summary>Runs this rank's part of the job.</summary>
    public static int Run(CeilingArguments arguments) => Communication.Run(communication =>
    {
        TorchThreads.Share(communication.LocalSize);
        TorchMemory.KeepFreed();
        TorchKernels.ChooseByInstructions();
        using var step = new DenseStep(arguments);
        Repeat(step, arguments.WarmUp);
        communication.World.Barrier();
        double seconds = Repeat(step, arguments.Steps);

        // The ranks that share cores do not end together: who is early goes on, so that nobody measures with fewer neighbours.
        Repeat(step, 1 + (arguments.Steps / 5));
        double[] all = communication.World.AllGather<double>([seconds]);
        if (communication.Rank == 0)
        {
            Write(arguments, all);
        }

        return JobExitCode.Success;
    });

    private static double Repeat(DenseStep step, int times)
    {
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < times; i++)
        {
            step.Run();
        }

        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Writes the result in the form of a summary of <c>oe-train</c>; the speed is the sum of the ranks' own.</summary>
    private static void Write(CeilingArguments arguments, double[] seconds)
    {
        double samplesOfRank = (double)arguments.Steps * arguments.BatchSize;
        var summary = new
        {
            strategy = "ceiling",
            ranks = seconds.Length,
            trainers = seconds.Length,
            servers = 0,
            steady = new
            {
                steps = arguments.Steps,
                samples = samplesOfRank * seconds.Length,
                seconds = seconds.Max(),
                samples_per_second = seconds.Sum(time => samplesOfRank / time),
            },
            seconds_by_rank = seconds,
        };
        File.WriteAllText(arguments.Summary, JsonSerializer.Serialize(summary));
    }
}
