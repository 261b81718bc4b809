using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Runs <c>oe-train</c> jobs in a folder of their own.</summary>
public sealed class OeTrain : IDisposable
{

    /// <summary>The root of the repository.</summary>
    public static string Root => Metadata("Root");

    /// <summary>The built program.</summary>
    public static string Program { get; } = Path.Combine(Root, "src/Trainer", Metadata("BuildFolder"), "OpenEmbedding.Trainer.dll");

    /// <summary>The built program of the benchmark of whole jobs.</summary>
    public static string BenchProgram { get; } =
        Path.Combine(Root, "benchmarks/Cluster", Metadata("BuildFolder"), "OpenEmbedding.Benchmarks.Cluster.dll");

    /// <summary>When a job is killed and its test fails.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(5);

    /// <summary>Real Criteo rows, where the machine has them.</summary>
    public static string? RealData { get; } =
        Environment.GetEnvironmentVariable("OPENEMBEDDING_CRITEO_DATA") is { Length: > 0 } path && File.Exists(path) ? path : null;

    /// <summary>The folder for the job's files.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("oe-train-").FullName;

    /// <summary>A path in the folder.</summary>
    public string In(string name) => Path.Combine(Folder, name);

    /// <summary>Writes a file into the folder.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }

    /// <summary>Makes Criteo-shaped rows: a label that the first two ids and the first number decide, mostly.</summary>
    public string WriteRows(string name, int rows, int seed = 1)
    {
        var random = new Random(seed);
        using var file = new StreamWriter(In(name));
        for (int row = 0; row < rows; row++)
        {
            int[] dense = [.. Enumerable.Range(0, 13).Select(_ => random.Next(50))];
            int[] sparse = [.. Enumerable.Range(0, 26).Select(column => (int)(Math.Pow(random.NextDouble(), 3) * (20 << (column % 6))))];
            double score = ((sparse[0] % 5) - 2) + ((sparse[1] % 3) - 1) + ((dense[0] - 25) / 25.0);
            int label = random.NextDouble() < 1 / (1 + Math.Exp(-score)) ? 1 : 0;
            file.WriteLine($"{label}\t{string.Join('\t', dense)}\t{string.Join('\t', sparse.Select(id => id.ToString("x8")))}");
        }

        return In(name);
    }

    /// <summary>Runs a job; every argument is one of <c>oe-train</c>'s.</summary>
    public static MpiJobResult Run(int ranks, params string[] arguments) => MpiJob.Run(ranks, Program, arguments, timeout: Limit);

    /// <summary>Runs a job that must succeed and returns its summary.</summary>
    public JsonElement Summary(int ranks, params string[] arguments)
    {
        string path = In($"summary-{Guid.NewGuid():N}.json");
        MpiJobResult result = Run(ranks, [.. arguments, "--output.summary", path]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonDocument.Parse(File.ReadAllText(path)).RootElement;
    }

    /// <summary>Runs a job that must succeed and returns its weights.</summary>
    internal Weights Weights(int ranks, params string[] arguments)
    {
        string path = In($"weights-{Guid.NewGuid():N}.safetensors");
        MpiJobResult result = Run(ranks, [.. arguments, "--output.weights", path]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return Training.Weights.Read(path);
    }

    /// <summary>A file of the examples.</summary>
    public static string Example(string name) => Path.Combine(Root, "examples", name);

    /// <summary>An example's program.</summary>
    public static string ExampleProgram(string name) => Path.Combine(Root, "examples", name, Metadata("BuildFolder"), name + ".dll");

    /// <summary>Flips a bit in the middle of a file.</summary>
    public static void Flip(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    /// <summary>A program of the tests that lies in a folder of its own.</summary>
    public static string TestProgram(string folder, string name) => Path.Combine(Root, "tests/Distributed", folder, Metadata("BuildFolder"), name);

    /// <summary>Copies the program to a folder and changes its version, as another build would have it.</summary>
    public string CopyProgramWithOtherVersion()
    {
        string source = Path.GetDirectoryName(Program)!;
        string target = In("other");
        foreach (string file in Directory.GetFiles(source, "*", SearchOption.TopDirectoryOnly))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        string program = Path.Combine(target, Path.GetFileName(Program));
        byte[] assembly = File.ReadAllBytes(program);
        byte[] version = Encoding.UTF8.GetBytes(FileVersionInfo.GetVersionInfo(Program).ProductVersion!);

        // As the argument of an attribute (ECMA-335 II.23.3), since names of other assemblies may hold the same digits.
        byte[] argument = [1, 0, checked((byte)version.Length), .. version];
        int at = assembly.AsSpan().IndexOf(argument);
        assembly[at + argument.Length - version.Length] = (byte)'9';
        File.WriteAllBytes(program, assembly);
        return program;
    }

    private static string Metadata(string key) =>
        typeof(OeTrain).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
