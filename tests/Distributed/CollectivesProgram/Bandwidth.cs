using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Prints the median time of all-reduces from 64 bytes to 16 MB, and of a message to the next rank and back.</summary>
internal static unsafe class Bandwidth
{
    internal static void Run(Communication communication)
    {
        foreach (var bytes in (long[])[64, 1 << 20, 4 << 20, 16 << 20])
        {
            var data = (nint)NativeMemory.AllocZeroed((nuint)bytes); // freed below
            var times = new List<double>();
            for (var i = 0; i < (bytes > 64 ? 20 : 1000); i++)
            {
                var start = Stopwatch.GetTimestamp();
                communication.World.AllReduceAsync("timed", data, bytes / 4, ElementType.Float32, ReduceOperation.Sum).Wait();
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            NativeMemory.Free((void*)data);
            Print(communication, "all-reduce", bytes, times);
        }

        var inbox = communication.Messenger.OpenInbox(0);
        foreach (var bytes in (long[])[64, 1 << 20, 16 << 20])
        {
            var times = new List<double>();
            for (var i = 0; i < (bytes > 64 ? 20 : 1000); i++)
            {
                var start = Stopwatch.GetTimestamp();
                communication.Messenger.Send((communication.Rank + 1) % communication.Size, 0, MessageBuffer.Rent(bytes));
                inbox.Receive().Dispose();
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            Print(communication, "message to the next rank", bytes, times);
        }
    }

    private static void Print(Communication communication, string what, long bytes, List<double> times)
    {
        if (communication.Rank == 0)
        {
            Console.WriteLine(
                FormattableString.Invariant(
                    $"ranks {communication.Size} {what} of {bytes} bytes: {times.Order().ElementAt(times.Count / 2):f4} ms"));
        }
    }
}
