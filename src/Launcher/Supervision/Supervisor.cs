using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Preflight;

namespace OpenEmbedding.Launcher.Supervision;

/// <summary>Starts a job again when it loses ranks or hosts, on the hosts that are left, until it ends well or the limit is reached.</summary>
/// <param name="options">The rules.</param>
/// <param name="world">Hosts and jobs.</param>
/// <param name="savesWhenAsked">Whether a job that is asked to end saves its state, so that it may be stopped for hosts that have come.</param>
/// <param name="say">Takes the lines that tell what is done.</param>
/// <param name="clock">The time.</param>
internal sealed class Supervisor(SupervisionOptions options, ISupervised world, bool savesWhenAsked, Action<string> say, TimeProvider clock)
{
    private static readonly TimeSpan _lookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _discoverEvery = TimeSpan.FromSeconds(10);

    private readonly HostPool _pool = new(options, clock);
    private JobOutcome? _first;
    private int _restarts;

    /// <summary>Runs the job.</summary>
    /// <param name="hosts">The hosts to begin with.</param>
    /// <returns>The exit code: that of the job that ended well or cannot be mended by starting again, else that of the first failure.</returns>
    public int Run(HostList hosts)
    {
        _pool.Replace(hosts);
        string? beginning = null;
        while (true)
        {
            if (WaitForHosts() is not { } usable)
            {
                return GiveUp($"after {Seconds(options.ElasticTimeout)} s there are {_pool.Usable.Slots} slots, --min-np asks for {options.MinimumRanks}");
            }

            int ranks = (int)Math.Min(options.MaximumRanks, usable.Slots);
            if (beginning is not null)
            {
                say($"{beginning}, on {ranks} ranks of {usable}");
            }

            JobOutcome outcome = RunOnce(usable, ranks, out bool hostsCame);
            if (outcome.IsInterrupted || IsFinal(outcome.ExitCode))
            {
                return outcome.ExitCode;
            }

            if (hostsCame && outcome.ExitCode == JobExitCode.Interrupted)
            {
                beginning = "the job has saved its state and goes on with the hosts that have come";
                continue;
            }

            _first ??= outcome;
            if (_restarts == options.ResetLimit)
            {
                return GiveUp($"--reset-limit {options.ResetLimit} is reached");
            }

            _restarts++;
            beginning = $"restart {_restarts} of at most {options.ResetLimit}";
            Blame(outcome);
        }
    }

    // Starting again mends what the machines broke, not what is wrong with configuration, command or data.
    private static bool IsFinal(int exitCode) =>
        exitCode is JobExitCode.Success or JobExitCode.Configuration or JobExitCode.Data or JobExitCode.Cluster;

    /// <summary>Waits for enough hosts on which ranks can start.</summary>
    /// <returns>Them; null when there are too few for too long.</returns>
    private HostList? WaitForHosts()
    {
        DateTimeOffset end = clock.GetUtcNow() + options.ElasticTimeout;
        bool told = false;
        for (DateTimeOffset discoverAt = DateTimeOffset.MinValue; ; Task.Delay(_lookEvery, clock).Wait())
        {
            if (clock.GetUtcNow() >= discoverAt)
            {
                Discover();
                discoverAt = clock.GetUtcNow() + _discoverEvery;
            }

            if (Check(_pool.Usable) is var usable && usable.Slots >= options.MinimumRanks)
            {
                return usable;
            }

            if (clock.GetUtcNow() >= end)
            {
                return null;
            }

            if (!told)
            {
                told = true;
                say($"{usable.Slots} slots are left, --min-np asks for {options.MinimumRanks}; waiting up to {Seconds(options.ElasticTimeout)} s (--elastic-timeout) for hosts");
            }
        }
    }

    private JobOutcome RunOnce(HostList hosts, int ranks, out bool hostsCame)
    {
        using var stop = new CancellationTokenSource();
        Task<JobOutcome> job = Task.Run(() => world.Run(hosts, ranks, _restarts, stop.Token));
        hostsCame = savesWhenAsked && ranks < options.MaximumRanks && WaitForMoreHosts(job, hosts, ranks);
        if (hostsCame)
        {
            stop.Cancel();
        }

        return job.GetAwaiter().GetResult();
    }

    /// <summary>Waits until hosts have come that would take more ranks, or the job is over.</summary>
    /// <returns>Whether they have.</returns>
    private bool WaitForMoreHosts(Task job, HostList hosts, int ranks)
    {
        while (true)
        {
            Task.WhenAny(job, Task.Delay(_discoverEvery, clock)).Wait();
            if (job.IsCompleted)
            {
                return false;
            }

            Discover();
            HostList others = HostList.Of(_pool.Usable.Hosts.Where(host => !hosts.Hosts.Contains(host)));
            if (others.Slots > 0 && Check(others) is { Slots: > 0 } come)
            {
                say($"hosts have come: {come}; the job on {ranks} ranks is asked to save its state, to go on with more");
                return true;
            }
        }
    }

    private void Discover()
    {
        try
        {
            if (world.Discover() is { } hosts)
            {
                _pool.Replace(hosts);
            }
        }
        catch (OpenEmbeddingException e) when (_pool.HasHosts)
        {
            say($"{e.Message}; the hosts stay as they were");
        }
    }

    /// <summary>The hosts of a list on which ranks can start; the others are set aside.</summary>
    private HostList Check(HostList hosts)
    {
        var good = new List<Host>();
        foreach (CheckedHost host in world.Check(hosts))
        {
            _pool.Learn(host);
            if (host.Problem is null)
            {
                good.Add(host.Host);
                continue;
            }

            _first ??= new JobOutcome(JobExitCode.Cluster, host.Problem);
            say($"{host.Problem}; it is set aside for {Seconds(_pool.SetAside(host.Host.Name))} s");
        }

        return HostList.Of(good);
    }

    // The host of a rank that was killed may be short of memory or about to fail: others do the work for a while if they can.
    private void Blame(JobOutcome outcome)
    {
        if (outcome.Host is { } name && _pool.Find(name) is { } host
            && _pool.Usable.Hosts.Where(other => other.Name != host).Sum(other => (long)other.Slots) >= options.MinimumRanks)
        {
            say($"host {host} is set aside for {Seconds(_pool.SetAside(host))} s");
        }
    }

    private int GiveUp(string reason)
    {
        JobOutcome first = _first ?? new JobOutcome(JobExitCode.Cluster, "there are too few hosts");
        say($"gives up: {reason}; the first failure, with exit code {first.ExitCode}, was: {first.Cause ?? "the ranks said why above"}");
        return first.ExitCode;
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
}
