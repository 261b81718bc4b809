namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Writes files of which a reader never sees half: to a temporary name beside the target, flushed, then renamed over it, and the name flushed too.</summary>
public static class WholeFile
{
    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>; missing folders are made, a failed write leaves the old file.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string target = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        string temporary = $"{target}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
            FolderFlush.Flush(Path.GetDirectoryName(target)!);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
