using System.Runtime.InteropServices;

namespace OpenEmbedding.Launcher;

/// <summary>Linux signals by number.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    /// <summary>The last of the standard signals; real-time signals come after it.</summary>
    public const int Last = 31;

    private static readonly Dictionary<int, string> _names = new()
    {
        [1] = "SIGHUP",
        [2] = "SIGINT",
        [3] = "SIGQUIT",
        [4] = "SIGILL",
        [5] = "SIGTRAP",
        [6] = "SIGABRT",
        [7] = "SIGBUS",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [10] = "SIGUSR1",
        [11] = "SIGSEGV",
        [12] = "SIGUSR2",
        [13] = "SIGPIPE",
        [14] = "SIGALRM",
        [15] = "SIGTERM",
        [24] = "SIGXCPU",
        [25] = "SIGXFSZ",
    };

    /// <summary>As in "signal 9 (SIGKILL)".</summary>
    public static string Describe(int signal) =>
        _names.TryGetValue(signal, out string? name) ? $"signal {signal} ({name})" : $"signal {signal}";

    /// <summary>Sends a signal. That the process has ended already is no error here: nobody is left to be told.</summary>
    public static void Send(int process, int signal) => _ = kill(process, signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int kill(int pid, int sig);
}
