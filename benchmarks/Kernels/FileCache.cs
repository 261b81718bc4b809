using System.Runtime.InteropServices;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The system's cache of files.</summary>
internal static partial class FileCache
{
    private const int DontNeed = 4;

    /// <summary>Writes a file to the disk and drops it from the cache, so that the next reads come from the disk.</summary>
    public static void Drop(string path)
    {
        int file = Open(path, 0);
        _ = Sync(file);
        _ = Advise(file, 0, 0, DontNeed);
        _ = Close(file);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fdatasync")]
    private static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(int file, long offset, long bytes, int advice);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
