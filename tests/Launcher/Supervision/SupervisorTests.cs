using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Preflight;
using OpenEmbedding.Launcher.Supervision;

namespace OpenEmbedding.Launcher.Tests.Supervision;

public sealed class SupervisorTests
{
    private static readonly JobOutcome _success = new(JobExitCode.Success);
    private static readonly JobOutcome _killed = new(9, "a rank on host b was killed by signal 9 (SIGKILL)") { Host = "b" };

    private readonly World _world = new();
    private readonly List<string> _said = [];

    [Fact]
    public void JobThatEndsWellRunsOnce()
    {
        Assert.Equal(0, Run("a:2,b:2", Rules(4), _success));

        Assert.Equal(["4 on a:2,b:2, restart 0"], _world.Runs);
        Assert.Empty(_said);
    }

    [Theory]
    [InlineData(JobExitCode.Configuration)]
    [InlineData(JobExitCode.Data)]
    [InlineData(JobExitCode.Cluster)]
    public void WhatStartingAgainDoesNotMendEndsIt(int exitCode)
    {
        Assert.Equal(exitCode, Run("a:2", Rules(2), new JobOutcome(exitCode)));

        Assert.Single(_world.Runs);
    }

    [Fact]
    public void UserEndsIt()
    {
        Assert.Equal(130, Run("a:2", Rules(2), new JobOutcome(130) { IsInterrupted = true }));

        Assert.Single(_world.Runs);
    }

    [Fact]
    public void HostOfAKilledRankIsSetAsideWhileOthersSuffice()
    {
        Assert.Equal(0, Run("a:2,b:2", Rules(2, 4), _killed, _success));

        Assert.Equal(["4 on a:2,b:2, restart 0", "2 on a:2, restart 1"], _world.Runs);
        Assert.Equal(["host b is set aside for 10 s", "restart 1 of at most 10, on 2 ranks of a:2"], _said);
    }

    [Fact]
    public void HostOfAKilledRankGoesOnWhereItIsNeeded()
    {
        Assert.Equal(0, Run("a:2,b:2", Rules(4), _killed, _success));

        Assert.Equal(["4 on a:2,b:2, restart 0", "4 on a:2,b:2, restart 1"], _world.Runs);
    }

    [Fact]
    public void HostIsKnownByTheNameItGivesItself()
    {
        _world.OwnNames["10.0.0.2"] = "b";

        Assert.Equal(0, Run("10.0.0.1:2,10.0.0.2:2", Rules(2, 4), _killed, _success));

        Assert.Equal("2 on 10.0.0.1:2, restart 1", _world.Runs[^1]);
    }

    [Fact]
    public void GivesUpAtTheLimitWithTheFirstCause()
    {
        Assert.Equal(9, Run("a:2,b:2", Rules(4) with { ResetLimit = 2 }, _killed, new JobOutcome(5, "other"), new JobOutcome(1)));

        Assert.Equal(3, _world.Runs.Count);
        Assert.Equal(
            "gives up: --reset-limit 2 is reached; the first failure, with exit code 9, was: a rank on host b was killed by signal 9 (SIGKILL)", _said[^1]);
    }

    [Fact]
    public void HostThatCannotBeReachedIsSetAsideAndComesBack()
    {
        _world.Problems["b"] = 2;

        Assert.Equal(0, Run("a:2,b:2", Rules(3, 4), _success));

        Assert.Equal(["4 on a:2,b:2, restart 0"], _world.Runs);
        Assert.Equal(
            [
                "host b is away; it is set aside for 10 s",
                "2 slots are left, --min-np asks for 3; waiting up to 600 s (--elastic-timeout) for hosts",
                "host b is away; it is set aside for 20 s",
            ],
            _said);
    }

    [Fact]
    public void GivesUpWhenTooFewHostsComeBack()
    {
        _world.Problems["b"] = int.MaxValue;

        Assert.Equal(JobExitCode.Cluster, Run("a:2,b:2", Rules(4)));

        Assert.Empty(_world.Runs);
        Assert.Equal("gives up: after 600 s there are 2 slots, --min-np asks for 4; the first failure, with exit code 4, was: host b is away", _said[^1]);
    }

    [Fact]
    public void JobIsStoppedForHostsThatCome()
    {
        _world.Discovered = ["a:2", "a:2,b:2"];

        Assert.Equal(0, Run("a:2", Rules(2, 4), _world.UntilStopped, _success));

        Assert.Equal(["2 on a:2, restart 0", "4 on a:2,b:2, restart 0"], _world.Runs);
        Assert.Equal(
            [
                "hosts have come: b:2; the job on 2 ranks is asked to save its state, to go on with more",
                "the job has saved its state and goes on with the hosts that have come, on 4 ranks of a:2,b:2",
            ],
            _said);
    }

    [Fact]
    public void UserEndsAJobThatIsStoppedForHosts()
    {
        _world.Discovered = ["a:2", "a:2,b:2"];

        Assert.Equal(130, Run("a:2", Rules(2, 4), _world.UntilStopped with { IsInterrupted = true }));

        Assert.Single(_world.Runs);
    }

    [Fact]
    public void DiscoveryThatFailsLeavesTheHostsAsTheyWere()
    {
        _world.Discovered = [];

        Assert.Equal(0, Run("a:2", Rules(2), _success));

        Assert.Equal(["--host-discovery-script broke; the hosts stay as they were"], _said);
    }

    private static SupervisionOptions Rules(int minimum, int? maximum = null) => new() { MinimumRanks = minimum, MaximumRanks = maximum ?? minimum };

    private int Run(string hosts, SupervisionOptions rules, params JobOutcome[] outcomes)
    {
        _world.Outcomes = new Queue<JobOutcome>(outcomes);

        // Where no job waits to be asked, whether hosts come while one runs would be a matter of threads.
        bool asks = Array.Exists(outcomes, outcome => outcome.Cause is not null && outcome.Cause == _world.UntilStopped.Cause);
        return new Supervisor(rules, _world, savesWhenAsked: asks, _said.Add, new HurriedClock()).Run(HostList.Parse(hosts));
    }

    /// <summary>Hosts and jobs that are made up.</summary>
    private sealed class World : ISupervised
    {
        private int _discoveries;

        public Queue<JobOutcome> Outcomes { get; set; } = [];

        /// <summary>A job that ends when it is asked to.</summary>
        public JobOutcome UntilStopped { get; } = new(JobExitCode.Interrupted, "stopped");

        public List<string> Runs { get; } = [];

        /// <summary>How often each of these hosts is still found to be away.</summary>
        public Dictionary<string, int> Problems { get; } = [];

        public Dictionary<string, string> OwnNames { get; } = [];

        /// <summary>What the discovery finds, the last of it for ever; with nothing in it it fails.</summary>
        public string[]? Discovered { get; set; }

        public HostList? Discover() => Discovered switch
        {
            null => null,
            [] => throw new OpenEmbeddingException("--host-discovery-script broke", JobExitCode.Cluster),
            var lists => HostList.Parse(lists[Math.Min(_discoveries++, lists.Length - 1)]),
        };

        public IReadOnlyList<CheckedHost> Check(HostList hosts) => [.. hosts.Hosts.Select(Check)];

        public JobOutcome Run(HostList hosts, int ranks, int restarts, CancellationToken stop)
        {
            Runs.Add($"{ranks} on {hosts}, restart {restarts}");
            JobOutcome outcome = Outcomes.Dequeue();
            if (outcome.Cause == UntilStopped.Cause && outcome.Cause is not null)
            {
                stop.WaitHandle.WaitOne();
            }

            return outcome;
        }

        private CheckedHost Check(Host host)
        {
            if (Problems.GetValueOrDefault(host.Name) is > 0 and var left)
            {
                Problems[host.Name] = left - 1;
                return new CheckedHost(host, null, $"host {host.Name} is away");
            }

            return new CheckedHost(host, new HostReport { Name = OwnNames.GetValueOrDefault(host.Name, host.Name), Version = "1" }, null);
        }
    }
}
