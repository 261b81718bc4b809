using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Models;

/// <summary>How the C library keeps the memory of torch's tensors.</summary>
public static partial class TorchMemory
{
    // glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD; the latter takes at most 32 MiB.
    private const int TrimThreshold = -1;
    private const int MapThreshold = -3;
    private const int Never = -1;
    private const int LargestMapThreshold = 32 << 20;

    /// <summary>
    /// Keeps memory that torch frees in the process: every step frees and asks for the same tensors, and pages that went back to the kernel in
    /// between cost a fault each.
    /// </summary>
    public static void KeepFreed()
    {
        _ = mallopt(TrimThreshold, Never);
        _ = mallopt(MapThreshold, LargestMapThreshold);
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
