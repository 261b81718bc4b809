using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Slurm;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>How many ranks, and where.</summary>
internal sealed class HostGroup : OptionGroup
{
    private const int StandardStartTimeout = 30;

    private readonly LaunchOption _ranks;
    private readonly LaunchOption _hosts;
    private readonly LaunchOption _hostfile;
    private readonly LaunchOption _startTimeout;

    public HostGroup()
        : base("Ranks and hosts")
    {
        _ranks = Value(["-np", "-n", "--num-proc"], "N", "number of ranks; by default all slots of the hosts", "hosts.num_proc");
        _hosts = Value(["-H", "--hosts"], "LIST", "hosts and their slots, as host1:4,host2:4", "hosts.hosts");
        _hostfile = Value(["--hostfile", "-hostfile"], "FILE", "file with one host a line, as 'host slots=4' or 'host:4'", "hosts.hostfile");
        _startTimeout = Value(["--start-timeout"], "S", $"seconds a host may take to answer before the job starts; by default {StandardStartTimeout}", "hosts.start_timeout");
    }

    /// <summary>The hosts that the options name; null where they name none.</summary>
    public HostList? ReadHosts(LaunchValues values)
    {
        OptionValue? list = values.Last(_hosts);
        OptionValue? file = values.Last(_hostfile);
        if (list is not null && file is not null)
        {
            list.Contradicts(file, "both name hosts; give one of them");
        }

        return list is not null ? HostList.Parse(list.Text, list.Origin) : file is not null ? Hostfile.Read(file.Text) : null;
    }

    /// <summary>How long a host may take to answer before the job starts.</summary>
    public TimeSpan StartTimeout(LaunchValues values) => TimeSpan.FromSeconds(values.Last(_startTimeout)?.Whole(1) ?? StandardStartTimeout);

    /// <summary>The number of ranks: what the options say, else all slots; null when neither is known.</summary>
    /// <param name="values">The options.</param>
    /// <param name="hosts">The hosts; null when none are known.</param>
    /// <param name="allocation">The Slurm allocation that the hosts are from; null for none.</param>
    /// <exception cref="OpenEmbeddingException">It is larger than the slots.</exception>
    public int? ReadRanks(LaunchValues values, HostList? hosts, SlurmAllocation? allocation)
    {
        OptionValue? given = values.Last(_ranks);
        int? ranks = given?.Whole(1);
        if (hosts is null)
        {
            return ranks;
        }

        long wanted = ranks ?? hosts.Slots;
        if (wanted <= hosts.Slots)
        {
            return (int)wanted;
        }

        string place = allocation is null ? "the hosts" : $"the Slurm allocation {allocation.JobId}";
        throw new OpenEmbeddingException($"{given!.Origin} {wanted} is more than the {hosts.Slots} slots of {place} ({hosts})", JobExitCode.Configuration);
    }
}
