using System.Runtime.Versioning;

namespace OpenEmbedding.Launcher.Tests;

/// <summary>Real jobs with options that change how they are started and what becomes of their output.</summary>
[Trait("Kind", "Job")]
[SupportedOSPlatform("linux")]
public sealed class JobOptionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EachRankHasItsFilesOnThisHostWhereverItRuns()
    {
        using var job = new OeRun(
            "-H", "localhost:1,127.0.0.1:2", "--output-filename", _folder, "sh", "-c", "printf \"$PMI_RANK cut \"; echo whole; echo err >&2; printf end");

        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.Equal(["err", "err", "err"], error);
        Assert.DoesNotContain(output, line => line.Contains('@'));
        Assert.All([0, 1, 2], rank => Assert.Equal($"{rank} cut whole\nend", File.ReadAllText(Path.Combine(_folder, $"rank.{rank}", "stdout"))));
        Assert.All([0, 1, 2], rank => Assert.Equal("err\n", File.ReadAllText(Path.Combine(_folder, $"rank.{rank}", "stderr"))));
    }

    [Fact]
    public void WhatAKilledRankWroteIsThereAndItsHostIsNamed()
    {
        const string Rank = "printf \"cut $PMI_RANK \"; echo whole; echo err >&2; echo ready $$; exec sleep 60";
        using var job = new OeRun("-np", "3", "--output-filename", _folder, "--prefix-output", "sh", "-c", Rank);
        job.WaitForLines("[0] ready", 1);
        job.WaitForLines("[2] ready", 1);

        OeRun.Signal(int.Parse(job.WaitForLines("[1] ready", 1)[0].Split(' ')[2]), 9);
        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(9, result);
        Assert.Contains("[1] cut 1 whole", output);
        Assert.Contains("[1] err", error);
        Assert.Contains(output, line => line.StartsWith("=   BAD TERMINATION", StringComparison.Ordinal));
        Assert.Matches(@"^oe-run: a rank on host \S+ was killed by signal 9 \(SIGKILL\); the job has ended with exit code 9$", error[^1]);
        Assert.StartsWith("cut 1 whole\nready ", File.ReadAllText(Path.Combine(_folder, "rank.1", "stdout")));
        Assert.Equal("err\n", File.ReadAllText(Path.Combine(_folder, "rank.1", "stderr")));
        Assert.True(File.Exists(Path.Combine(_folder, "rank.2", "stdout")));
    }

    [Fact]
    public void ManyLinesOfManyRanksArriveWhole()
    {
        using var job = new OeRun("-np", "4", "--prefix-output", "sh", "-c", "for i in $(seq 2000); do printf '%s ' $PMI_RANK; echo $i; done");

        (string[] output, _, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.Equal(
            Enumerable.Range(0, 4).SelectMany(rank => Enumerable.Range(1, 2000).Select(i => $"[{rank}] {rank} {i}")),
            output.OrderBy(line => line[1]));
    }

    [Fact]
    public void SshIsToldPortAndKeyAndCanBeAnotherProgram()
    {
        string ssh = Path.Combine(_folder, "ssh");
        string log = Path.Combine(_folder, "log");
        string key = Path.Combine(_folder, "key");
        File.WriteAllText(key, "");
        // Takes ssh's arguments, then starts on this machine what it was to start on the host.
        File.WriteAllText(ssh, $"#!/bin/sh\necho \"$1 $2 $3 $4 $5 $6\" >> {log}\nshift 6\nexec sh -c \"$*\"\n");
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var job = new OeRun(
            "-H", "node-a.invalid:1,node-b.invalid:1", "-p", "2222", "-i", key, "--launcher-exec", ssh, "sh", "-c", "echo $PMI_RANK");

        (string[] output, _, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.Equal(["0", "1"], output.Order());
        string check = $"-x -oBatchMode=yes -oConnectTimeout=30 -p2222 -i{key}";
        string start = $"-x -p 2222 -i {key}";
        Assert.Equal([$"{check} node-a.invalid", $"{check} node-b.invalid", $"{start} node-a.invalid", $"{start} node-b.invalid"], File.ReadAllLines(log).Order());
    }

    [Fact]
    public void ARankIsBoundToItsCore()
    {
        using var job = new OeRun("-np", "2", "--bind-to", "core", "sh", "-c", "grep Cpus_allowed_list /proc/self/status");

        (string[] output, _, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.All(output, line => Assert.Matches(@"^Cpus_allowed_list:\s+\d+$", line));
    }

    [Fact]
    public void TheHostOfAKilledRankAmongSeveralIsNamed()
    {
        using var job = new OeRun("-H", "localhost:1,127.0.0.1:2", "--prefix-output", "sh", "-c", "echo ready $$; exec sleep 60");
        job.WaitForLines("[0] ready", 1);
        job.WaitForLines("[2] ready", 1);

        OeRun.Signal(int.Parse(job.WaitForLines("[1] ready", 1)[0].Split(' ')[2]), 9);
        (_, string[] error, int result) = job.Finish();

        // Hydra may fail over it before it can say what killed the rank.
        Assert.Equal(
            result == 9
                ? "oe-run: a rank on host 127.0.0.1 was killed by signal 9 (SIGKILL); the job has ended with exit code 9"
                : "oe-run: a rank on host 127.0.0.1 died, and mpirun did not say of what; the job has ended with exit code 255",
            error[^1]);
    }
}
