using System.Diagnostics;

namespace OpenEmbedding.Distributed.Tests;

/// <summary>A file system of a few bytes in memory, to be full.</summary>
public sealed class Tmpfs : IDisposable
{
    private Tmpfs(string folder)
    {
        Folder = folder;
    }

    /// <summary>Why this machine lets nobody mount one, null if it does.</summary>
    public static string? WhyNot { get; } = Try();

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Mounts one in a new folder.</summary>
    public static Tmpfs Mount(long bytes)
    {
        string folder = Directory.CreateTempSubdirectory("oe-tmpfs-").FullName;
        string? problem = Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", folder);
        if (problem is not null)
        {
            Directory.Delete(folder);
            throw new InvalidOperationException(problem);
        }

        return new Tmpfs(folder);
    }

    /// <summary>Gives it another size.</summary>
    public void Resize(long bytes) => Assert.Null(Run("mount", "-o", $"remount,size={bytes}", Folder));

    public void Dispose()
    {
        Run("umount", Folder);
        Directory.Delete(Folder);
    }

    private static string? Try()
    {
        try
        {
            Mount(1 << 16).Dispose();
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"no small file system can be mounted here: {e.Message}";
        }
    }

    /// <returns>What went wrong, one line.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.ReplaceLineEndings(" ").Trim();
    }
}

/// <summary>A test that mounts a <see cref="Tmpfs"/>; skipped, with the reason, where the machine does not let it.</summary>
public sealed class TmpfsFactAttribute : FactAttribute
{
    public TmpfsFactAttribute()
    {
        Skip = Tmpfs.WhyNot;
    }
}
