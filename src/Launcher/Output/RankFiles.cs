using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Output;

/// <summary>A file for one stream of each rank: <c>rank.N/stdout</c> or <c>rank.N/stderr</c>, N as wide as the largest.</summary>
internal sealed class RankFiles : IDisposable
{
    private readonly FileStream?[] _files;
    private readonly TextWriter _messages;

    /// <summary>Makes the files of all ranks, so that one which prints nothing has empty ones.</summary>
    /// <param name="folder">The folder of all.</param>
    /// <param name="name">The name of the files.</param>
    /// <param name="ranks">The number of ranks.</param>
    /// <param name="messages">Takes a line when a file cannot be written any more.</param>
    /// <exception cref="OpenEmbeddingException">A file cannot be made.</exception>
    public RankFiles(string folder, string name, int ranks, TextWriter messages)
    {
        _messages = messages;
        _files = new FileStream?[ranks];
        int width = (ranks - 1).ToString(CultureInfo.InvariantCulture).Length;
        for (int rank = 0; rank < ranks; rank++)
        {
            string path = Path.Combine(folder, $"rank.{rank.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0')}");
            try
            {
                Directory.CreateDirectory(path);
                // Without a buffer: what a rank wrote is in the file at once, for those who follow it.
                _files[rank] = new FileStream(Path.Combine(path, name), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Dispose();
                throw new OpenEmbeddingException($"the output of rank {rank} cannot be written to {path}: {e.Message}", JobExitCode.Configuration, e);
            }
        }
    }

    public void Write(int rank, ReadOnlySpan<byte> bytes)
    {
        if (rank < 0 || rank >= _files.Length || _files[rank] is not FileStream file)
        {
            return;
        }

        try
        {
            file.Write(bytes);
        }
        catch (IOException e)
        {
            // A full disk must not stop the job; the console still has the output.
            _messages.WriteLine($"oe-run: {file.Name} cannot be written any more: {e.Message}; the job goes on");
            _files[rank] = null;
            file.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (FileStream? file in _files)
        {
            file?.Dispose();
        }
    }
}
