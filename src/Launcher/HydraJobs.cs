using System.Net.NetworkInformation;
using System.Net.Sockets;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Output;
using OpenEmbedding.Launcher.Preflight;
using OpenEmbedding.Launcher.Supervision;

namespace OpenEmbedding.Launcher;

/// <summary>Jobs of one command line under MPICH's hydra.</summary>
/// <param name="options">The command line.</param>
/// <param name="mpirun">Hydra's path.</param>
/// <param name="self">How this program is called on any host.</param>
internal sealed class HydraJobs(LaunchOptions options, string mpirun, IReadOnlyList<string> self) : ISupervised
{
    /// <summary>The environment variable that tells the ranks how often their job was started again.</summary>
    public const string RestartsVariable = "OE_RESTARTS";

    private readonly HostDiscovery? _discovery =
        options.Supervision is { DiscoveryScript: { } script } supervision ? new HostDiscovery(script, supervision.SlotsPerHost) : null;

    private readonly HostChecks _checks = new(new RemoteShell(options.RemoteStart), mpirun, options.Command[0], self, AddressOf(options.Network), options.StartTimeout);

    /// <summary>The command line of hydra for the job as the options have it.</summary>
    public string CommandLine => MpiCommandLine.Quote(MpiCommandLine.Build(mpirun, options, Marker()));

    /// <inheritdoc/>
    public HostList? Discover() => _discovery?.Find();

    /// <inheritdoc/>
    public IReadOnlyList<CheckedHost> Check(HostList hosts) =>
        // In an allocation Slurm starts the ranks and knows about its nodes.
        options.HostsAreAllocated ? [.. hosts.Hosts.Select(host => new CheckedHost(host, null, null))] : _checks.Run(hosts);

    /// <inheritdoc/>
    public JobOutcome Run(HostList hosts, int ranks, int restarts, CancellationToken stop)
    {
        bool all = options.Hosts is { } allocated && hosts.Hosts.SequenceEqual(allocated.Hosts);
        return Run(
            options with
            {
                Hosts = hosts,
                Ranks = ranks,
                HostsAreAllocated = options.HostsAreAllocated && all,
                Environment = [.. options.Environment, new(RestartsVariable, $"{restarts}")],
                Output = restarts > 0 && options.Output.Folder is { } folder
                    ? options.Output with { Folder = Path.Combine(folder, $"restart.{restarts}") }
                    : options.Output,
            },
            stop);
    }

    /// <summary>Runs the job once as the options have it.</summary>
    public JobOutcome Run() => Run(options, CancellationToken.None);

    private JobOutcome Run(LaunchOptions job, CancellationToken stop)
    {
        RankMarker? marker = Marker();
        IReadOnlyList<string> words = MpiCommandLine.Build(mpirun, job, marker);
        if (job.Verbose)
        {
            Console.Error.WriteLine($"oe-run: {MpiCommandLine.Quote(words)}");
        }

        using JobOutput output = Open(job, marker, Console.OpenStandardOutput(), "stdout");
        using JobOutput error = Open(job, marker, Console.OpenStandardError(), "stderr");
        return JobProcess.Run(words, output, error, Console.Error, stop);
    }

    // As hydra chooses it.
    private static string AddressOf(NetworkOptions network) => network.Interfaces.Count == 0
        ? Environment.MachineName
        : NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.Name == network.Interfaces[0])
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .FirstOrDefault(address => address.Address.AddressFamily == AddressFamily.InterNetwork)?.Address.ToString() ?? Environment.MachineName;

    private RankMarker? Marker() => options.Output.ByRank ? RankMarker.Create() : null;

    private static JobOutput Open(LaunchOptions job, RankMarker? marker, Stream console, string name)
    {
        OutputOptions output = job.Output;
        RankFiles? files = output.Folder is null ? null : new RankFiles(output.Folder, name, job.Ranks, Console.Error);
        return new JobOutput(console, name, Console.Error, marker, output.Prefix, files);
    }
}
