using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher.Checks;

/// <summary>What the machine gives to a job.</summary>
internal static partial class Machine
{
    private const string SharedMemory = "/dev/shm";
    private const string HugePages = "/sys/kernel/mm/transparent_hugepage/enabled";

    // What containers have unless told otherwise.
    private const long SmallSharedMemory = 64L << 20;

    public static IReadOnlyList<CheckResult> Check() => [Cores(), Memory(), CheckSharedMemory(), CheckHugePages(), OpenFiles()];

    private static CheckResult Cores()
    {
        int count = Environment.ProcessorCount;
        return new CheckResult("cores", true, count.ToString(CultureInfo.InvariantCulture));
    }

    private static CheckResult Memory()
    {
        Dictionary<string, long> sizes = File.ReadLines("/proc/meminfo").Select(line => SizeLine().Match(line)).Where(line => line.Success)
            .ToDictionary(line => line.Groups[1].Value, line => long.Parse(line.Groups[2].ValueSpan, CultureInfo.InvariantCulture) << 10);
        return new CheckResult("memory", true, $"{Gibibytes(sizes["MemTotal"])}, {Gibibytes(sizes.GetValueOrDefault("MemAvailable"))} available");
    }

    private static CheckResult CheckSharedMemory()
    {
        try
        {
            var drive = new DriveInfo(SharedMemory);
            string size = $"{Gibibytes(drive.TotalSize)}, {Gibibytes(drive.AvailableFreeSpace)} free";
            return drive.TotalSize > SmallSharedMemory
                ? new CheckResult(SharedMemory, true, size)
                : new CheckResult(SharedMemory, false, $"{size}: little for ranks of one host; in a container give it more (docker run --shm-size)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckResult(SharedMemory, false, e.Message);
        }
    }

    private static CheckResult CheckHugePages()
    {
        if (!File.Exists(HugePages))
        {
            return new CheckResult("huge pages", false, $"there is no {HugePages}; tables are slower without");
        }

        string text = File.ReadAllText(HugePages).Trim();
        return text.Contains("[never]", StringComparison.Ordinal)
            ? new CheckResult("huge pages", false, $"{text}: tables are slower without; as root: echo madvise > {HugePages}")
            : new CheckResult("huge pages", true, text);
    }

    private static CheckResult OpenFiles()
    {
        string limit = File.ReadLines("/proc/self/limits").Select(line => LimitLine().Match(line)).First(line => line.Success).Groups[1].Value;
        return new CheckResult("open files", true, $"at most {limit}");
    }

    private static string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GiB");

    [GeneratedRegex(@"^(\w+):\s+(\d+) kB$")]
    private static partial Regex SizeLine();

    [GeneratedRegex(@"^Max open files\s+(\S+)")]
    private static partial Regex LimitLine();
}
