using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Tells the system how a file will be read; advice only, so that a refusal does not matter.</summary>
internal static partial class FileAdvice
{
    private const int Random = 1;
    private const int WillNeed = 3;

    /// <summary>Reads nothing but what is asked for.</summary>
    public static void ReadsAreRandom(SafeFileHandle file) => _ = Advise(file, 0, 0, Random);

    /// <summary>Begins to read a part of the file, and does not wait: the disk works on many parts at once.</summary>
    public static void Ask(SafeFileHandle file, long offset, long bytes) => _ = Advise(file, offset, bytes, WillNeed);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long bytes, int advice);
}
