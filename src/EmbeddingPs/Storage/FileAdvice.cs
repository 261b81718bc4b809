using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Tells the system how a file will be read; advice only, so that a refusal does not matter.</summary>
internal static partial class FileAdvice
{
    private const int Random = 1;
    private const int WillNeed = 3;
    private const int SetFlags = 4;

    /// <summary>Reads nothing but what is asked for.</summary>
    public static void ReadsAreRandom(SafeFileHandle file) => _ = Advise(file, 0, 0, Random);

    /// <summary>Begins to read a part of the file, and does not wait: the disk works on many parts at once.</summary>
    public static void Ask(SafeFileHandle file, long offset, long bytes) => _ = Advise(file, offset, bytes, WillNeed);

    /// <summary>Reads and writes past the system's cache, which then needs memory, offsets and lengths that are multiples of a page.</summary>
    public static void BypassCache(SafeFileHandle file)
    {
        int direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;
        _ = Control(file, SetFlags, direct);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long bytes, int advice);
}
