using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher.Checks;

/// <summary>Checks of native libraries: they are loaded, and say their version.</summary>
internal static unsafe partial class NativeLibraries
{
    /// <summary>MPICH's library.</summary>
    public static CheckResult Mpich()
    {
        const string Name = "libmpich";
        return MpichLibrary.Load() is { } library
            ? new CheckResult(Name, true, $"{DescribeMpich(library.Description)}, {PathOf(library.File)}", Required: true)
            : new CheckResult(Name, false, "neither libmpich.so.12 nor MPICH's libmpi.so.12 loads: install the package mpich", Required: true);
    }

    /// <summary>What MPICH says of itself, in one line: version, ABI and device.</summary>
    internal static string DescribeMpich(string version)
    {
        string[] parts = [.. VersionField().Matches(version).Select(field => $"{field.Groups[1].Value} {field.Groups[2].Value}")];
        return parts.Length > 0 ? string.Join(", ", parts).Replace("Version ", "", StringComparison.Ordinal) : version.Split('\n')[0].Trim();
    }

    /// <summary>NVIDIA's driver.</summary>
    public static CheckResult Cuda() =>
        Version("CUDA driver", "libcuda.so.1", "cuDriverGetVersion", version => $"for CUDA {version / 1000}.{version % 1000 / 10}");

    /// <summary>NVIDIA's collectives.</summary>
    public static CheckResult Nccl() => Version("NCCL", "libnccl.so.2", "ncclGetVersion", DescribeNccl);

    /// <summary>NCCL's version from its number, which has had a digit more for the major part since 2.9.</summary>
    internal static string DescribeNccl(int version) => version >= 10000
        ? $"{version / 10000}.{version / 100 % 100}.{version % 100}"
        : $"{version / 1000}.{version / 100 % 10}.{version % 100}";

    private static CheckResult Version(string name, string file, string function, Func<int, string> describe)
    {
        if (!NativeLibrary.TryLoad(file, out nint library) || !NativeLibrary.TryGetExport(library, function, out nint address))
        {
            return new CheckResult(name, false, $"{file} does not load; needed for GPUs only");
        }

        int version = 0;
        // The C function: an int by pointer, 0 for success.
        int result = ((delegate* unmanaged<int*, int>)address)(&version);
        return new CheckResult(name, result == 0, result == 0 ? $"{describe(version)}, {PathOf(file)}" : $"{function} returns {result}, {PathOf(file)}");
    }

    // The linker knows where it found the file, and tells in the list of what is mapped.
    private static string PathOf(string file)
    {
        string stem = file[..file.IndexOf(".so", StringComparison.Ordinal)];
        return File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith(stem + ".so", StringComparison.Ordinal)) ?? file;
    }

    [GeneratedRegex(@"^MPICH (Version|ABI|Device):\s*(\S+)", RegexOptions.Multiline)]
    private static partial Regex VersionField();
}
