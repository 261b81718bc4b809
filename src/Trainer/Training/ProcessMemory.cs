using System.Globalization;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What the kernel says about this process' memory.</summary>
internal static class ProcessMemory
{
    /// <summary>The largest resident set so far, in bytes (<c>VmHWM</c> of <c>/proc/self/status</c>).</summary>
    public static long PeakBytes()
    {
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }
}
