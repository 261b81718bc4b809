using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Brings the names of a folder's files to the disk: a new file or a rename outlasts a loss of power only then.</summary>
public static partial class FolderFlush
{
    private const int ReadOnly = 0;

    /// <summary>Waits until the folder is on the disk. Some file systems cannot do that; what was written is then as safe as they make it.</summary>
    public static void Flush(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        int file = Open(folder, ReadOnly);
        if (file >= 0)
        {
            _ = Synchronize(file);
            _ = Close(file);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Synchronize(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
