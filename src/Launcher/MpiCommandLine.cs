using System.Globalization;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Output;

namespace OpenEmbedding.Launcher;

/// <summary>The command line of hydra, MPICH's process starter.</summary>
internal static class MpiCommandLine
{
    private const string UnquotedSymbols = "-_./:=,+@%";
    private const string SshArguments = "HYDRA_LAUNCHER_EXTRA_ARGS";

    /// <summary>The program, then its arguments.</summary>
    /// <param name="mpirun">Hydra's path.</param>
    /// <param name="options">The job.</param>
    /// <param name="marker">What hydra puts before the ranks' output; null for nothing.</param>
    public static IReadOnlyList<string> Build(string mpirun, LaunchOptions options, RankMarker? marker = null)
    {
        var words = new List<string>();
        AddSsh(words, mpirun, options.RemoteStart);
        words.AddRange("-np", options.Ranks.ToString(CultureInfo.InvariantCulture));
        if (options.Hosts is not null && !options.HostsAreAllocated)
        {
            words.AddRange("-hosts", options.Hosts.ToString());
        }

        if (options.Network.Interfaces.Count > 0)
        {
            // Hydra knows of one interface, through which the hosts reach it.
            words.AddRange("-iface", options.Network.Interfaces[0]);
        }

        words.AddRange(options.Hydra.Binding);
        words.AddRange(options.Hydra.Arguments);
        if (marker is not null)
        {
            words.AddRange("-prepend-pattern", marker.Pattern);
        }

        foreach ((string name, string value) in Variables(options))
        {
            words.AddRange("-genv", name, value);
        }

        words.AddRange(options.Command);
        return words;
    }

    /// <summary>The words as one line that a POSIX shell splits into the same words.</summary>
    public static string Quote(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static void AddSsh(List<string> words, string mpirun, RemoteStartOptions remoteStart)
    {
        var ssh = new List<string>();
        if (remoteStart.SshPort is int port)
        {
            ssh.AddRange("-p", port.ToString(CultureInfo.InvariantCulture));
        }

        if (remoteStart.SshIdentityFile is string file)
        {
            ssh.AddRange("-i", file);
        }

        if (ssh.Count > 0)
        {
            words.AddRange("env", $"{SshArguments}={string.Join(' ', ssh)}");
        }

        words.Add(mpirun);
        if (ssh.Count > 0 || remoteStart.LauncherProgram is not null)
        {
            // Inside an allocation hydra would take Slurm's srun, which has other arguments.
            words.AddRange("-launcher", "ssh");
        }

        if (remoteStart.LauncherProgram is string program)
        {
            words.AddRange("-launcher-exec", program);
        }
    }

    // Those that the network needs, then those of the user, who may say otherwise.
    private static OrderedDictionary<string, string> Variables(LaunchOptions options)
    {
        var variables = new OrderedDictionary<string, string>();
        if (options.Network.TcpOnly)
        {
            variables["UCX_TLS"] = "tcp,self";
            variables["NCCL_IB_DISABLE"] = "1";
        }

        if (options.Network.Interfaces.Count > 0)
        {
            string names = string.Join(',', options.Network.Interfaces);
            variables["UCX_NET_DEVICES"] = names;
            variables["NCCL_SOCKET_IFNAME"] = names;
        }

        foreach ((string name, string value) in options.Environment)
        {
            variables[name] = value;
        }

        return variables;
    }

    private static string Quote(string word)
    {
        bool plain = word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || UnquotedSymbols.Contains(c));
        return plain ? word : $"'{word.Replace("'", @"'\''")}'";
    }
}
