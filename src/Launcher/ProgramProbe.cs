using System.ComponentModel;
using System.Diagnostics;

namespace OpenEmbedding.Launcher;

/// <summary>Finds programs and asks them for their version.</summary>
internal static class ProgramProbe
{
    /// <summary>Runs the program to its end; both streams in one text, empty where it cannot be started.</summary>
    public static string Read(string program, params string[] arguments)
    {
        try
        {
            // Open MPI's mpirun refuses to run as root, even to say its version, unless told twice.
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                Environment = { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1" },
            };
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            return output + error.GetAwaiter().GetResult();
        }
        catch (Win32Exception)
        {
            return "";
        }
    }

    /// <summary>The path of the first file of this name in the folders; null where there is none.</summary>
    /// <param name="name">The program's name, or its path, which is returned where there is such a file.</param>
    /// <param name="searchPath">Folders, separated as in <c>PATH</c>.</param>
    public static string? Find(string name, string searchPath)
    {
        IEnumerable<string> candidates =
            name.Contains('/') ? [name] : searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name));
        return candidates.FirstOrDefault(File.Exists);
    }
}
