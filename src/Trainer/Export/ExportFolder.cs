using System.Security.Cryptography;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.Trainer.Export;

/// <summary>A file of an exported model.</summary>
/// <param name="Name">Its name in the folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its SHA-256, in hexadecimal digits.</param>
internal sealed record ExportedFile(string Name, long Bytes, string Sha256);

/// <summary>The folder of one version of an exported model, which appears whole: under a temporary name beside it until its files are on the disk.</summary>
internal sealed class ExportFolder
{
    private readonly string _temporary;
    private readonly List<ExportedFile> _files = [];

    /// <summary>Looks whether the folder can be written, and leaves nothing there but the folders above it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="key">The key of the configuration that names it.</param>
    /// <exception cref="OpenEmbeddingException">The folder is there already, or cannot be made.</exception>
    public ExportFolder(string path, string key = "output.export")
    {
        Target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        _temporary = $"{Target}.{Environment.ProcessId}.tmp";
        if (Path.Exists(Target))
        {
            throw new OpenEmbeddingException($"{Target} is there already; remove it, or give {key} another folder", JobExitCode.Configuration);
        }

        try
        {
            Directory.CreateDirectory(_temporary);
            Directory.Delete(_temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"the folder {Target} of {key} cannot be made: {e.Message}", JobExitCode.Configuration, e);
        }
    }

    /// <summary>The full path under which the folder appears.</summary>
    public string Target { get; }

    /// <summary>The files written so far.</summary>
    public IReadOnlyList<ExportedFile> Files => _files;

    /// <summary>Writes a file and flushes it.</summary>
    /// <param name="name">Its name, behind that of a folder and a slash if it goes into one.</param>
    /// <param name="write">Writes its bytes.</param>
    /// <exception cref="OpenEmbeddingException">It cannot be written.</exception>
    public void Write(string name, Action<Stream> write) => Try(() =>
    {
        string path = Path.Combine(_temporary, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var hash = SHA256.Create();
        long bytes;
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            using (var hashed = new CryptoStream(file, hash, CryptoStreamMode.Write, leaveOpen: true))
            using (var buffered = new BufferedStream(hashed, 1 << 20))
            {
                write(buffered);
            }

            file.Flush(flushToDisk: true);
            bytes = file.Length;
        }

        _files.Add(new ExportedFile(name, bytes, Convert.ToHexStringLower(hash.Hash!)));
    });

    /// <summary>Gives the folder its name.</summary>
    /// <exception cref="OpenEmbeddingException">There is a folder of that name by now.</exception>
    public void Commit() => Try(() =>
    {
        Array.ForEach(Directory.GetDirectories(_temporary), FolderFlush.Flush);
        FolderFlush.Flush(_temporary);
        Directory.Move(_temporary, Target);
        FolderFlush.Flush(Path.GetDirectoryName(Target)!);
    });

    // A rank that fails ends the job at once, so that what is half written goes before the error does.
    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove();
            throw new OpenEmbeddingException($"the model cannot be exported to {Target}: {e.Message}", JobExitCode.Failure, e);
        }
        catch
        {
            Remove();
            throw;
        }
    }

    private void Remove()
    {
        try
        {
            Directory.Delete(_temporary, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder of that name is not an export, and the first error is the one to tell.
        }
    }
}
