using System.Diagnostics;
using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Compares an all-reduce of 64 bytes with MPI's own blocking one, in turns within one run, and prints the medians.</summary>
/// <remarks>Of the turns' medians the best counts on both sides: what else the machine does can only add to a time.</remarks>
internal static class Latency
{
    private const int Elements = 16;
    private const int Turns = 8;

    internal static unsafe void Run(Communication communication)
    {
        using var blocking = new Intracommunicator(Handle.CommWorld);
        var data = new float[Elements];
        var ours = new List<double>();
        var theirs = new List<double>();

        // Tiered compilation needs some tens of calls and then a moment.
        MedianOf(communication, 3000, () => communication.World.AllReduce<float>(data));
        for (var turn = 0; turn < Turns; turn++)
        {
            ours.Add(MedianOf(communication, 400, () => communication.World.AllReduce<float>(data)));
            theirs.Add(MedianOf(communication, communication.Size > 2 ? 12 : 400, () =>
            {
                fixed (float* pointer = data) // in place during the call
                {
                    blocking.AllReduce((nint)pointer, Elements, ElementType.Float32, ReduceOperation.Sum);
                }
            }));
        }

        if (communication.Rank == 0)
        {
            Console.WriteLine(
                FormattableString.Invariant(
                    $"ranks {communication.Size} ours_us {ours.Min():f3} blocking_us {theirs.Min():f3} ratio {theirs.Min() / ours.Min():f2}"));
        }
    }

    private static double MedianOf(Communication communication, int calls, Action call)
    {
        communication.World.Barrier();
        var microseconds = new double[calls];
        for (var i = 0; i < calls; i++)
        {
            var start = Stopwatch.GetTimestamp();
            call();
            microseconds[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        return microseconds.Order().ElementAt(calls / 2);
    }
}
