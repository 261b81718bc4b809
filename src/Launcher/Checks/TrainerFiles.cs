using System.Text.Json;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher.Checks;

/// <summary>Checks of <c>oe-train</c> by the files beside it; libtorch is too large to be loaded for a question.</summary>
internal static partial class TrainerFiles
{
    private const string Assembly = "OpenEmbedding.Trainer";
    private const string Repair = "run scripts/setup.sh";

    /// <summary>The program, and the libraries that it was built with.</summary>
    /// <param name="trainer">Its name or path.</param>
    /// <param name="searchPath">Folders, separated as in <c>PATH</c>.</param>
    public static IReadOnlyList<CheckResult> Check(string trainer, string searchPath)
    {
        const string Torch = "libtorch";
        string? script = ProgramProbe.Find(trainer, searchPath);
        if (script is null)
        {
            return [Missing(Program.Trainer, $"{trainer} is not there: {Repair}, and put bin/ on PATH"), Missing(Torch, "unknown without oe-train")];
        }

        string folder = FindFolder(script);
        string assembly = Path.Combine(folder, $"{Assembly}.dll");
        if (!File.Exists(assembly))
        {
            return [Missing(Program.Trainer, $"{script} starts {assembly}, which is not there: {Repair}"), Missing(Torch, "unknown without oe-train")];
        }

        return [new CheckResult(Program.Trainer, true, script, Required: true), CheckTorch(Torch, folder)];
    }

    private static CheckResult CheckTorch(string name, string folder)
    {
        Dictionary<string, string> packages = ReadPackages(Path.Combine(folder, $"{Assembly}.deps.json"));
        string sharp = packages.TryGetValue("TorchSharp", out string? version) ? $"TorchSharp {version}" : "TorchSharp of unknown version";
        string? binding = FindLibrary(folder, "libLibTorchSharp.so");
        string? library = FindLibrary(folder, "libtorch_cpu.so");
        if (binding is null || library is null)
        {
            return Missing(name, $"{sharp}, but {(binding is null ? "libLibTorchSharp.so" : "libtorch_cpu.so")} is not below {folder}: {Repair}");
        }

        string torch = packages.FirstOrDefault(package => package.Key.StartsWith("libtorch-", StringComparison.Ordinal)).Value ?? "";
        string device = FindLibrary(folder, "libtorch_cuda.so") is null ? "CPU" : "CUDA and CPU";
        return new CheckResult(name, true, $"{torch} for {device}, {sharp}, {Path.GetDirectoryName(library)}".TrimStart(), Required: true);
    }

    // bin/oe-train is a script that names the assembly from its own folder; a program that was copied has it beside it.
    private static string FindFolder(string script)
    {
        string path = File.ResolveLinkTarget(script, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(script);
        string folder = Path.GetDirectoryName(path)!;
        Match program = new FileInfo(path).Length < 1 << 16 ? ProgramLine().Match(File.ReadAllText(path)) : Match.Empty;
        return program.Success ? Path.GetDirectoryName(Path.GetFullPath(Path.Combine(folder, program.Groups[1].Value)))! : folder;
    }

    // What stands in .deps.json as "TorchSharp/0.107.0".
    private static Dictionary<string, string> ReadPackages(string file)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            return document.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name.Split('/', 2))
                .Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [];
        }
    }

    private static string? FindLibrary(string folder, string name) =>
        Directory.EnumerateFiles(folder, name, SearchOption.AllDirectories).FirstOrDefault();

    private static CheckResult Missing(string name, string detail) => new(name, false, detail, Required: true);

    [GeneratedRegex(@"^program=\$folder/(\S+)$", RegexOptions.Multiline)]
    private static partial Regex ProgramLine();
}
