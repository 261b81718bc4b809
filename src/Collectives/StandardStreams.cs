using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>The pipes through which the launcher reads what this process prints.</summary>
internal static unsafe class StandardStreams
{
    private const int Output = 1;
    private const int Error = 2;

    // A reader that does not read must not keep a job from ending.
    private const int MaxWaits = 500;
    private const uint MicrosecondsPerWait = 1000;

    /// <summary>Waits, for half a second at most, until the launcher has read all: at an abort it drops what is still in the pipes.</summary>
    internal static void Drain()
    {
        Console.Out.Flush();
        Console.Error.Flush();
        for (var i = 0; i < MaxWaits && (Unread(Output) > 0 || Unread(Error) > 0); i++)
        {
            _ = NativeMethods.Sleep(MicrosecondsPerWait);
        }
    }

    private static int Unread(int stream)
    {
        var bytes = 0;
        return NativeMethods.IoControl(stream, NativeMethods.UnreadBytes, &bytes) == 0 ? bytes : 0; // writes one int
    }
}
