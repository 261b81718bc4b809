using System.Globalization;

namespace OpenEmbedding.Benchmarks.Cluster.Network;

/// <summary>
/// Hosts on one machine whose network is slow: each a network namespace with a name of its own, joined by pairs of veth to one bridge, both ends of
/// each pair held to a rate by a token bucket.
/// </summary>
/// <remarks>It is there until it is disposed of; what an earlier one left behind after a crash is removed first.</remarks>
internal sealed class SlowNetwork : IHosts
{
    private const string LockFile = "/run/oe-bench-network.lock";
    private const string Bridge = "oe-bench";
    private const string Prefix = "10.231.77.";
    private const int BridgeNumber = 254;
    private const int Root = 0;

    private readonly int _hosts;
    private readonly string _remoteShell;
    private readonly FileStream _lock;

    private SlowNetwork(int hosts, FileStream @lock)
    {
        _hosts = hosts;
        _lock = @lock;
        _remoteShell = Path.Combine(Path.GetTempPath(), $"oe-bench-shell-{Environment.ProcessId}");
    }

    /// <summary>Sets the hosts up.</summary>
    /// <param name="rate">The rate of each link in each direction, as <c>tc</c> takes it: 1gbit.</param>
    /// <param name="hosts">How many, 1 to 200.</param>
    /// <exception cref="BenchException">Not root, or the tools are missing.</exception>
    public static SlowNetwork Create(string rate, int hosts)
    {
        if (Native.UserId() != Root)
        {
            throw new BenchException("--network makes network namespaces, which takes root");
        }

        foreach (string tool in new[] { "ip", "tc" })
        {
            if (Command.Try(tool, "-V") is not null)
            {
                throw new BenchException($"--network needs {tool}: install the package iproute2");
            }
        }

        var network = new SlowNetwork(hosts, TakeLock());
        try
        {
            TearDown();
            network.SetUp(rate);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Launcher(int ranks)
    {
        int perHost = (ranks + _hosts - 1) / _hosts;
        int used = (ranks + perHost - 1) / perHost;
        string list = string.Join(',', Enumerable.Range(1, used).Select(host => $"{Address(host)}:{Math.Min(perHost, ranks - ((host - 1) * perHost))}"));

        // UCX would find the shared memory, and each host's loopback, which leads to no other. A host has its share of the cores, so that torch
        // on one does not take those of the others.
        string cores = Math.Max(1, Environment.ProcessorCount / _hosts).ToString(CultureInfo.InvariantCulture);
        return
        [
            "mpirun.mpich", "-localhost", Address(BridgeNumber), "-launcher", "ssh", "-launcher-exec", _remoteShell, "-hosts", list,
            "-genv", "UCX_TLS", "tcp,self", "-genv", "UCX_NET_DEVICES", "eth0", "-genv", "DOTNET_PROCESSOR_COUNT", cores,
        ];
    }

    public void Dispose()
    {
        TearDown();
        File.Delete(_remoteShell);
        _lock.Dispose();
    }

    private static FileStream TakeLock()
    {
        try
        {
            return new FileStream(LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new BenchException($"--network: another oe-bench has its hosts up ({LockFile} is held)", e);
        }
    }

    private static string Address(int host) => Prefix + host.ToString(CultureInfo.InvariantCulture);

    private static string Namespace(int host) => $"oe-bench-{host}";

    private static string Link(int host) => $"oe-bench-v{host}";

    private void SetUp(string rate)
    {
        Command.Run("ip", "link", "add", Bridge, "type", "bridge");
        Command.Run("ip", "address", "add", Address(BridgeNumber) + "/24", "dev", Bridge);
        Command.Run("ip", "link", "set", Bridge, "up");
        for (int host = 1; host <= _hosts; host++)
        {
            Command.Run("ip", "netns", "add", Namespace(host));
            Command.Run("ip", "link", "add", Link(host), "type", "veth", "peer", "name", "eth0", "netns", Namespace(host));
            Command.Run("ip", "link", "set", Link(host), "master", Bridge, "up");
            Command.Run("ip", "-n", Namespace(host), "address", "add", Address(host) + "/24", "dev", "eth0");
            Command.Run("ip", "-n", Namespace(host), "link", "set", "eth0", "up");
            Command.Run("ip", "-n", Namespace(host), "link", "set", "lo", "up");
            string[] bucket = ["root", "tbf", "rate", rate, "burst", "256kb", "latency", "50ms"];
            Command.Run(["tc", "qdisc", "add", "dev", Link(host), .. bucket]);
            Command.Run(["ip", "netns", "exec", Namespace(host), "tc", "qdisc", "add", "dev", "eth0", .. bucket]);
        }

        // What hydra calls in place of ssh. Ranks tell hosts apart by their names, so each gets one.
        File.WriteAllText(_remoteShell, $$"""
            #!/bin/sh
            while [ "${1#-}" != "$1" ]; do shift; done
            host=${1##*.}
            shift
            exec ip netns exec "oe-bench-$host" unshare --uts sh -c "echo oe-bench-$host > /proc/sys/kernel/hostname; exec $*"

            """);
        Command.Run("chmod", "700", _remoteShell);
    }

    /// <summary>Removes the bridge and all namespaces of this program; it is no error that there are none.</summary>
    private static void TearDown()
    {
        const string Names = "/run/netns";
        if (Directory.Exists(Names))
        {
            foreach (string path in Directory.GetFiles(Names, "oe-bench-*"))
            {
                // The links go with the namespace that holds their other end.
                _ = Command.Try("ip", "netns", "delete", Path.GetFileName(path));
            }
        }

        _ = Command.Try("ip", "link", "delete", Bridge);
    }
}
