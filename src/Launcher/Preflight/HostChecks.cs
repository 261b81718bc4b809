using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace OpenEmbedding.Launcher.Preflight;

/// <summary>A host and what its check found.</summary>
/// <param name="Host">The host as the list of hosts calls it.</param>
/// <param name="Report">What it has; null when it was not reached.</param>
/// <param name="Problem">Why no rank can start there, in one line with what to do; null when nothing is wrong.</param>
internal sealed record CheckedHost(Host Host, HostReport? Report, string? Problem);

/// <summary>Checks hosts before a job starts there, all at the same time.</summary>
/// <param name="shell">Reaches them.</param>
/// <param name="mpirun">Hydra's path, the same on every host.</param>
/// <param name="program">The program of the ranks.</param>
/// <param name="self">How this program is called, the same on every host.</param>
/// <param name="address">This host as hydra's proxies call it.</param>
/// <param name="limit">How long a host may take to answer.</param>
internal sealed class HostChecks(RemoteShell shell, string mpirun, string program, IReadOnlyList<string> self, string address, TimeSpan limit)
{
    // Exit codes that neither ssh nor this program has.
    private const int NoFolder = 96;
    private const int NoSelf = 97;

    private readonly string _folder = Environment.CurrentDirectory;
    private readonly string _proxy = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(mpirun))!, "hydra_pmi_proxy");

    /// <summary>Checks all hosts of a list.</summary>
    public IReadOnlyList<CheckedHost> Run(HostList hosts)
    {
        HostReport here = HostReport.OfThisHost(_proxy, program);
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return Task.WhenAll(hosts.Hosts.Select(host => CheckAsync(host, here, port))).GetAwaiter().GetResult();
    }

    private async Task<CheckedHost> CheckAsync(Host host, HostReport here, int port)
    {
        if (await IsThisHostAsync(host.Name).ConfigureAwait(false))
        {
            return new CheckedHost(host, here, ProblemOf(host, here, here));
        }

        RemoteResult result = await shell.RunAsync(host.Name, Command(port), limit).ConfigureAwait(false);
        if (result.ExitCode == 0 && HostReport.FromJson(result.Output) is { } report)
        {
            return new CheckedHost(host, report, ProblemOf(host, report, here));
        }

        string problem = result.ExitCode switch
        {
            null => string.Create(CultureInfo.InvariantCulture, $"does not answer within {limit.TotalSeconds} s (--start-timeout)"),
            RemoteResult.NotReached => $"cannot be reached: {result.LastWords}; 'ssh -oBatchMode=yes {host.Name} true' must work from this host",
            NoFolder => $"has no folder {_folder}; the working folder must be at the same path on every host",
            NoSelf => $"has no {self[^1]}; the checkout with its build must be at the same path on every host",
            0 => $"answers '{result.Output.Trim()}' where a report of {self[^1]} was expected; it has another version of the program, or its shell prints at login",
            int code => $"cannot run {self[^1]}, which ended with exit code {code}: {result.LastWords}",
        };
        return new CheckedHost(host, null, $"host {host.Name} {problem}");
    }

    private string? ProblemOf(Host host, HostReport report, HostReport here)
    {
        string? problem = report switch
        {
            { Mpich: null } => "cannot load libmpich.so.12, which MPICH and what shares its ABI have: install the package mpich",
            { HasProxy: false } => $"has no {_proxy}, which mpirun starts there: install the package mpich",
            { NoWayBack: { } error } =>
                $"cannot connect to this host, {address}: {error}; TCP ports must be open between the hosts, --network-interfaces names the network between them",
            _ when report.Mpich != here.Mpich => $"has MPICH {report.Mpich}, this host has {here.Mpich}; install the same version on every host",
            _ when report.Version != here.Version => $"has version {report.Version} of the program, this host has {here.Version}; copy the build to every host",
            { HasProgram: false } => $"has no program {program}",
            _ => null,
        };
        return problem is null ? null : $"host {host.Name} {problem}";
    }

    private string Command(int port)
    {
        string words = MpiCommandLine.Quote([.. self, HostReport.Argument, _proxy, program, address, port.ToString(CultureInfo.InvariantCulture)]);
        string script = $"cd {MpiCommandLine.Quote([_folder])} 2>/dev/null || exit {NoFolder}; test -e {MpiCommandLine.Quote([self[^1]])} || exit {NoSelf}; exec {words}";
        // The login shell need not be a POSIX one.
        return MpiCommandLine.Quote(["sh", "-c", script]);
    }

    /// <summary>Whether a name is one of this host, where hydra starts ranks itself.</summary>
    private static async Task<bool> IsThisHostAsync(string name)
    {
        if (name == Environment.MachineName)
        {
            return true;
        }

        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(name, AddressFamily.InterNetwork).ConfigureAwait(false);
            return addresses.Any(IPAddress.IsLoopback) || addresses.Intersect(OwnAddresses()).Any();
        }
        catch (SocketException)
        {
            // ssh may know the name from its own configuration.
            return false;
        }
    }

    private static IEnumerable<IPAddress> OwnAddresses() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(address => address.Address);
}
