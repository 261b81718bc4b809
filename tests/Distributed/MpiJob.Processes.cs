using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Distributed.Tests;

/// <content>The processes of a job and signals to them.</content>
public sealed partial class MpiJob
{
    private const int SigInt = 2;
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigStop = 19;

    /// <summary>The process of each rank that is alive, by rank.</summary>
    public IReadOnlyDictionary<int, int> RankProcesses()
    {
        var processes = new Dictionary<int, int>();
        foreach (var id in Descendants(_process.Id))
        {
            // The launcher's own processes have no rank; a rank's is what mpirun started, not what that may have started in turn.
            if (ReadRank(id) is { } rank)
            {
                processes.TryAdd(rank, id);
            }
        }

        return processes;
    }

    /// <summary>Sends Ctrl-C or SIGTERM to one process.</summary>
    /// <param name="process">A process of a job.</param>
    /// <param name="signal">SIGINT or SIGTERM.</param>
    public static void Signal(int process, PosixSignal signal) =>
        Send(process, signal switch
        {
            PosixSignal.SIGINT => SigInt,
            PosixSignal.SIGTERM => SigTerm,
            _ => throw new ArgumentOutOfRangeException(nameof(signal)),
        });

    /// <summary>Kills one process at once, as the kernel does when memory runs out.</summary>
    /// <param name="process">A process of a job.</param>
    public static void Kill(int process) => Send(process, SigKill);

    /// <summary>Stops one process, which is then there and does nothing.</summary>
    /// <param name="process">A process of a job.</param>
    public static void Stop(int process) => Send(process, SigStop);

    private static void Send(int process, int signal)
    {
        if (NativeKill(process, signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    private static IEnumerable<int> Descendants(int root)
    {
        var children = Process.GetProcesses()
            .Select(process => process.Id)
            .ToLookup(id => ReadParent(id) ?? 0);
        var left = new Queue<int>(children[root]);
        while (left.TryDequeue(out var id))
        {
            yield return id;
            foreach (var child in children[id])
            {
                left.Enqueue(child);
            }
        }
    }

    private static int? ReadParent(int id)
    {
        try
        {
            // "id (name) state parent …": the name may hold anything, its closing bracket is the last one.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null; // ended meanwhile
        }
    }

    private static int? ReadRank(int id)
    {
        const string Name = "PMI_RANK=";
        try
        {
            var variable = File.ReadAllText($"/proc/{id}/environ").Split('\0')
                .FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
            return variable == null ? null : int.Parse(variable[Name.Length..], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile, or another user's
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int NativeKill(int process, int signal);
}
