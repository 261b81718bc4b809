using System.Runtime.InteropServices;

namespace OpenEmbedding.Benchmarks.Cluster;

/// <summary>Calls of the C library that .NET has no name for.</summary>
internal static partial class Native
{
    /// <summary>The signal that asks a process to end.</summary>
    public const int Terminate = 15;

    /// <summary>Sends a signal. That the process has ended already is no error here: nobody is left to be told.</summary>
    public static void Send(int process, int signal) => _ = kill(process, signal);

    /// <summary>The user whose rights this process has; 0 is root.</summary>
    public static uint UserId() => geteuid();

    [LibraryImport("libc")]
    private static partial int kill(int pid, int sig);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
