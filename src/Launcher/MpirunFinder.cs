using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>Finds MPICH's process starter. Other MPIs have programs of the same name, so each candidate is asked who it is.</summary>
internal static class MpirunFinder
{
    // The names that only MPICH uses come first.
    private static readonly string[] _names = ["mpirun.mpich", "mpiexec.mpich", "mpiexec.hydra", "mpirun", "mpiexec"];

    private static readonly string[] _openMpiMarks = ["Open MPI", "OpenRTE", "PRRTE"];

    /// <summary>The path of the first candidate on <paramref name="searchPath"/> that is hydra.</summary>
    /// <param name="searchPath">Folders, separated as in <c>PATH</c>.</param>
    /// <exception cref="OpenEmbeddingException">There is none, with <see cref="JobExitCode.Cluster"/>.</exception>
    public static string Find(string searchPath)
    {
        string? openMpi = null;
        string[] folders = searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries);
        foreach (string candidate in _names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).Where(File.Exists))
        {
            string version = ProgramProbe.Read(candidate, "--version");
            if (version.Contains("HYDRA", StringComparison.Ordinal))
            {
                return candidate;
            }

            if (_openMpiMarks.Any(mark => version.Contains(mark, StringComparison.Ordinal)))
            {
                openMpi ??= candidate;
            }
        }

        throw new OpenEmbeddingException(
            openMpi is null
                ? $"MPICH's process starter is not on PATH (looked for {string.Join(", ", _names)}): install the package mpich"
                : $"{openMpi} is Open MPI's, under which every rank would believe to be alone: install the package mpich, which brings mpirun.mpich",
            JobExitCode.Cluster);
    }
}
