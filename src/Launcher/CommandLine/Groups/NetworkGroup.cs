using System.Net.NetworkInformation;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>The network between the ranks.</summary>
internal sealed class NetworkGroup : OptionGroup
{
    private readonly LaunchOption _interfaces;
    private readonly LaunchOption _tcp;

    public NetworkGroup()
        : base("Network")
    {
        _interfaces = Value(
            ["--network-interfaces", "--network-interface"], "LIST", "interfaces between the hosts, as eth1,eth2", "network.interfaces");
        _tcp = Switch(["--tcp"], "TCP only: no shared memory, no InfiniBand", "network.tcp");
    }

    public NetworkOptions Read(LaunchValues values) => new()
    {
        Interfaces = [.. values.All(_interfaces).SelectMany(ReadInterfaces).Distinct()],
        TcpOnly = values.On(_tcp) is not null,
    };

    // Hydra listens on an interface of this host, so one that only the other hosts have is no use.
    private static IEnumerable<string> ReadInterfaces(OptionValue list)
    {
        string[] present = [.. NetworkInterface.GetAllNetworkInterfaces().Select(device => device.Name).Order(StringComparer.Ordinal)];
        foreach (string name in list.Text.Split(',').Select(name => name.Trim()))
        {
            yield return present.Contains(name)
                ? name
                : throw list.Wrong($"takes network interfaces of this host, of which there are {string.Join(", ", present)}; this is '{name}'");
        }
    }
}
