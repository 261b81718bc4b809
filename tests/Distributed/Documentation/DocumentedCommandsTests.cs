using System.Diagnostics;
using System.Text.RegularExpressions;
using OpenEmbedding.Distributed.Tests.Training;
using Xunit.Abstractions;

namespace OpenEmbedding.Distributed.Tests.Documentation;

/// <summary>The commands of README and guides, as they stand there, one after the other in a folder with the examples. Those of several hosts, of Slurm, of
/// servers and of scripts, which have tests of their own, are left out.</summary>
[Trait("Kind", "Long")]
public sealed partial class DocumentedCommandsTests : IDisposable
{
    private const string LeftOut = @"node1|hostfiles/|srun |sbatch |sudo |scripts/|oe-serve|oe-bench|curl |tensorflow_model_server|^export PATH|…";
    private readonly ITestOutputHelper _output;
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-docs-").FullName;

    public DocumentedCommandsTests(ITestOutputHelper output)
    {
        _output = output;
        foreach (string name in (string[])["bin", "examples"])
        {
            Directory.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine(OeTrain.Root, name));
        }

        File.CreateSymbolicLink(Path.Combine(_folder, "criteo.json"), Path.Combine(OeTrain.Root, "examples/criteo.json"));
        Bash("mkdir tmp && printf '#!/bin/sh\\nexec mpirun.mpich \"$@\"\\n' > mpirun && chmod +x mpirun");
        Bash("oe-train generate --rows 50000 --out tmp/criteo_sample_50000.txt && oe-train generate --rows 5000 --out new.txt");
        Bash("oe-train generate --rows 5000 --format csv --out rows.csv");
        Bash("mpirun -np 2 oe-train criteo.json --checkpoint tmp/epoch");
    }

    public static TheoryData<string> Pages =>
        [.. Directory.GetFiles(Path.Combine(OeTrain.Root, "docs"), "*.md").Append(Path.Combine(OeTrain.Root, "README.md"))
            .Where(page => CommandsOf(page).Any()).Select(page => Path.GetRelativePath(OeTrain.Root, page)).Order()];

    [Theory]
    [MemberData(nameof(Pages))]
    public void CommandsEndWell(string page)
    {
        foreach (string command in CommandsOf(Path.Combine(OeTrain.Root, page)))
        {
            // A page that begins to save wants a folder of its own, and a path of somebody else's machine is one here.
            bool begins = command.Contains("--checkpoint", StringComparison.Ordinal) && !command.Contains("--load", StringComparison.Ordinal) && !command.Contains("--resume", StringComparison.Ordinal);
            string exports = Regex.Match(command, @"--export (\S+)").Groups[1].Value;
            Bash($"{(begins ? "rm -rf tmp/epoch; " : "")}{(exports.Length > 0 ? $"rm -rf {exports}; " : "")}{command.Replace("/local/", "tmp/", StringComparison.Ordinal)}");
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IEnumerable<string> CommandsOf(string page) =>
        ShellBlocks().Matches(File.ReadAllText(page))
            .SelectMany(block => block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Where(command => !Regex.IsMatch(command, LeftOut));

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlocks();

    private void Bash(string command)
    {
        var start = new ProcessStartInfo("timeout", ["300", "bash", "-c", command]) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{_folder}:{Path.Combine(OeTrain.Root, "bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        var clock = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        _output.WriteLine($"{clock.Elapsed.TotalSeconds:F1} s  {command}");
        Assert.True(process.ExitCode == 0, $"{command}\nexit code {process.ExitCode}\n{output}{errors.Result}");
    }
}
