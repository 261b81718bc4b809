using System.Text.Json;
using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Launcher;

/// <summary>Jobs on several hosts, of which some are lost.</summary>
[Trait("Kind", "Job")]
public sealed class LostHostTests : IClassFixture<VirtualHosts>, IDisposable
{
    private const int Rows = 6000;
    private const int Stalled = 5;

    private readonly VirtualHosts _hosts;
    private readonly OeTrain _train = new();
    private readonly string[] _job;

    public LostHostTests(VirtualHosts hosts)
    {
        _hosts = hosts;
        _job =
        [
            Path.Combine(OeTrain.Root, "bin/oe-train"), "--data.train", _train.WriteRows("rows.txt", Rows), "--data.test", _train.WriteRows("test.txt", 2000, seed: 2),
            "--data.vocabulary", "1000", "--model.dnn_hidden_units", "16,8", "--train.batch_size", "50", "--train.log_every", "1",
            "--output.progress", "lines",
        ];
    }

    public enum Loss
    {
        /// <summary>The process of the server dies.</summary>
        Server,

        /// <summary>The process of a trainer dies.</summary>
        Trainer,

        /// <summary>All processes on a host die.</summary>
        Host,

        /// <summary>A host is cut off, and comes back once the others have gone on.</summary>
        Link,
    }

    [HostsFact]
    public void TrainsOnThreeHostsAsOnOne()
    {
        string hostfile = _train.Write("hosts.txt", "10.231.78.1 slots=2\n10.231.78.2:1   # one rank\n10.231.78.3 slots=1\n");
        string[] weights = [_train.In("three"), _train.In("one")];
        using MpiJob job = _hosts.Start(["--hostfile", hostfile, .. _job, "--output.weights", weights[0]]);

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode == 0, result.ToString());
        OeTrain.Run(4, [.. _job.Skip(1), "--output.weights", weights[1]]);
        Assert.InRange(Weights.Read(weights[0]).DistanceTo(Weights.Read(weights[1])), 0, 1e-4);
    }

    [HostsFact]
    public void HostThatIsCutOffIsNamed()
    {
        using MpiJob job = _hosts.Start(
            ["-H", VirtualHosts.List(2, 2), "--stall-check-shutdown-time-seconds", "1", .. _job, "--train.epochs", "100000"]);
        job.WaitForText("step 3 ");
        _hosts.Cut(2);

        MpiJobResult result = job.WaitForExit();
        _hosts.Heal(2);

        Assert.True(result.ExitCode == Stalled, result.ToString());

        // What one of its two ranks sent before may have come.
        Assert.Matches(@"rank \d: .* has waited .*; missing: rank .*[23] on oe-host-2 \(does not answer\).*; the job ends", result.Error);
    }

    /// <summary>On fewer ranks each step takes fewer rows, so that training is another one, but no row is left out.</summary>
    [HostsFact]
    public void GoesOnWithoutTheHostThatDied()
    {
        string summary = _train.In("summary.json");
        using MpiJob job = StartSupervised("--min-np 3 --blacklist-cooldown-range 300,300", "--train.epochs", "3", "--output.summary", summary);
        Assert.True(IsTraining(job, lost: 0, steps: 4));
        _hosts.Cut(3);

        MpiJobResult result = job.WaitForExit();
        _hosts.Heal(3);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("oe-run: host 10.231.78.3 cannot connect to this host, 10.231.78.1: No route to host;", result.Error, StringComparison.Ordinal);
        Assert.Contains("oe-run: restart 1 of at most 10, on 3 ranks of 10.231.78.1:2,10.231.78.2:1\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(3 * Rows, Read(summary).GetProperty("samples").GetInt64());
    }

    [HostsTheory]
    [Trait("Kind", "Long")]
    [InlineData(Loss.Server, 10, 12)]
    [InlineData(Loss.Trainer, 10, 12)]
    [InlineData(Loss.Host, 10, 12)]
    [InlineData(Loss.Link, 10, 12)]
    public void SupervisedJobGoesOnEachTime(Loss loss, int times, int epochs) => AssertGoesOn(loss, times, epochs);

    public void Dispose() => _train.Dispose();

    private void AssertGoesOn(Loss loss, int times, int epochs)
    {
        string[] more = ["--train.epochs", $"{epochs}"];
        string summary = _train.In("supervised.json");
        double auc = Auc(_train.Summary(5, [.. _job.Skip(1), .. more]));
        var random = new Random(3);
        using MpiJob job = StartSupervised(
            $"--min-np 5 --reset-limit {10 * times} --blacklist-cooldown-range 1,1", [.. more, "--output.summary", summary]);
        int lost = 0;
        while (lost < times && IsTraining(job, lost, random.Next(8)))
        {
            Lose(loss, job, ++lost);
        }

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(times, lost);
        Assert.Contains($"oe-run: restart {times} of at most", result.Error, StringComparison.Ordinal);
        Assert.Equal((long)Rows * epochs, Read(summary).GetProperty("samples").GetInt64());
        Assert.InRange(Auc(Read(summary)), auc - 0.002, auc + 0.002);
    }

    private MpiJob StartSupervised(string rules, params string[] more) => _hosts.Start(
        [
            "-H", VirtualHosts.List(2, 1, 2), .. rules.Split(' '), "--stall-check-shutdown-time-seconds", "1", .. _job,
            "--checkpoint", _train.In("checkpoints"), "--checkpoint.every_steps", "3", .. more,
        ]);

    /// <summary>Waits until the job trains again after so many losses, and some steps more.</summary>
    /// <returns>False when it has ended.</returns>
    private static bool IsTraining(MpiJob job, int lost, int steps) =>
        job.WaitForTextOrEnd("strategy Ps", 1 + lost) && job.WaitForTextOrEnd("  step ", job.Count("  step ") + 1 + steps);

    private void Lose(Loss loss, MpiJob job, int time)
    {
        switch (loss)
        {
            case Loss.Host:
                _hosts.Kill(3);
                break;
            case Loss.Link:
                _hosts.Cut(3);
                job.WaitForTextOrEnd("--min-np asks for 5", time);
                _hosts.Heal(3);
                break;
            default:
                // Servers have the last ranks of their hosts.
                IReadOnlyDictionary<int, int> ranks = job.RankProcesses();
                MpiJob.Kill(ranks[loss == Loss.Server ? ranks.Keys.Max() : 0]);
                break;
        }
    }

    private static JsonElement Read(string summary) => JsonDocument.Parse(File.ReadAllText(summary)).RootElement;

    private static double Auc(JsonElement summary) => summary.GetProperty("test").GetProperty("auc").GetDouble();
}
