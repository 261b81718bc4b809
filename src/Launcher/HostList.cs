using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>A host of the job.</summary>
/// <param name="Name">Its name or IPv4 address, as ssh takes it.</param>
/// <param name="Slots">The number of ranks it takes, from 1 to <see cref="HostList.MaximumSlots"/>.</param>
internal readonly record struct Host(string Name, int Slots);

/// <summary>The hosts of a job, each once, in the order in which ranks fill them.</summary>
internal sealed class HostList
{
    /// <summary>The most ranks one host can be given.</summary>
    public const int MaximumSlots = 65536;

    private HostList(IReadOnlyList<Host> hosts)
    {
        Hosts = hosts;
    }

    public IReadOnlyList<Host> Hosts { get; }

    public long Slots => Hosts.Sum(host => (long)host.Slots);

    /// <summary>Puts hosts together; one that is named again adds to its slots, as lists with a line for each rank want it.</summary>
    public static HostList Of(IEnumerable<Host> hosts)
    {
        return new HostList([.. hosts.GroupBy(host => host.Name, (name, same) => new Host(name, same.Sum(host => host.Slots)))]);
    }

    /// <summary>This machine alone.</summary>
    public static HostList OfThisHost(int slots) => new([new Host("localhost", slots)]);

    /// <summary>Reads a list as <c>host1:4,host2:4</c>; a host without a number takes one rank.</summary>
    /// <param name="text">The list.</param>
    /// <param name="origin">What messages call it.</param>
    /// <exception cref="OpenEmbeddingException">An entry is not of this form, with the exit code for a wrong command line.</exception>
    public static HostList Parse(string text, string origin = "-H")
    {
        return Of(text.Split(',').Select(entry =>
            ParseHost(entry.Trim(), out string? wrong) ?? throw new OpenEmbeddingException($"{origin} {text}: {wrong}", JobExitCode.Configuration)));
    }

    /// <summary>Reads one host as <c>host:4</c> or <c>host</c>; null where it is neither, and then <paramref name="wrong"/> says why.</summary>
    public static Host? ParseHost(string entry, out string? wrong)
    {
        int colon = entry.IndexOf(':');
        string name = colon < 0 ? entry : entry[..colon];
        if (name.Length == 0 || name[0] == '-' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            wrong = $"a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is '{entry}'";
            return null;
        }

        if (colon < 0)
        {
            wrong = null;
            return new Host(name, 1);
        }

        return ParseSlots(entry[(colon + 1)..], out wrong) is int slots ? new Host(name, slots) : null;
    }

    /// <summary>Reads a number of slots; null where it is none, and then <paramref name="wrong"/> says why.</summary>
    public static int? ParseSlots(string text, out string? wrong)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int slots) && slots is >= 1 and <= MaximumSlots)
        {
            wrong = null;
            return slots;
        }

        wrong = $"the slots of a host are a whole number from 1 to {MaximumSlots}; this is '{text}'";
        return null;
    }

    /// <summary>The list as hydra's <c>-hosts</c> takes it: <c>host1:4,host2:4</c>.</summary>
    public override string ToString() => string.Join(',', Hosts.Select(host => $"{host.Name}:{host.Slots}"));
}
