using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Preflight;

namespace OpenEmbedding.Launcher.Supervision;

/// <summary>The hosts of a supervised job: those that there are, without those that are set aside because they failed.</summary>
/// <param name="options">How long a host is set aside.</param>
/// <param name="clock">The time.</param>
internal sealed class HostPool(SupervisionOptions options, TimeProvider clock)
{
    private readonly Dictionary<string, Record> _records = [];
    private IReadOnlyList<Host> _hosts = [];

    /// <summary>Whether there are hosts at all, set aside or not.</summary>
    public bool HasHosts => _hosts.Count > 0;

    /// <summary>The hosts on which ranks can start now, in the order in which ranks fill them.</summary>
    public HostList Usable => HostList.Of(_hosts.Where(host => !IsSetAside(host.Name)));

    /// <summary>Takes the hosts that there are; those that are set aside stay so.</summary>
    public void Replace(HostList hosts) => _hosts = hosts.Hosts;

    /// <summary>Remembers what a host calls itself.</summary>
    public void Learn(CheckedHost host)
    {
        if (host.Report is not null)
        {
            RecordOf(host.Host.Name).OwnName = host.Report.Name;
        }
    }

    /// <summary>The host that has a name in the list, or calls itself so; null if there is none, or several do.</summary>
    public string? Find(string name)
    {
        if (_hosts.Any(host => host.Name == name))
        {
            return name;
        }

        string[] found = [.. _hosts.Select(host => host.Name).Where(host => RecordOf(host).OwnName == name)];
        return found.Length == 1 ? found[0] : null;
    }

    /// <summary>Leaves a host out for a while: the first time for the shortest cooldown, each time after it twice as long.</summary>
    /// <returns>For how long.</returns>
    public TimeSpan SetAside(string name)
    {
        Record record = RecordOf(name);
        TimeSpan cooldown = options.ShortestCooldown * Math.Pow(2, Math.Min(record.Failures, 30));
        cooldown = cooldown < options.LongestCooldown ? cooldown : options.LongestCooldown;
        record.Failures++;
        record.ReturnsAt = clock.GetUtcNow() + cooldown;
        return cooldown;
    }

    private bool IsSetAside(string name) => RecordOf(name).ReturnsAt > clock.GetUtcNow();

    private Record RecordOf(string name)
    {
        if (!_records.TryGetValue(name, out Record? record))
        {
            _records[name] = record = new Record();
        }

        return record;
    }

    /// <summary>What is known of a host.</summary>
    private sealed class Record
    {
        public string? OwnName { get; set; }

        public int Failures { get; set; }

        public DateTimeOffset ReturnsAt { get; set; } = DateTimeOffset.MinValue;
    }
}
