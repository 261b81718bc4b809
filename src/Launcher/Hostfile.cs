using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>
/// Files with one host a line, as <c>host slots=4</c> (Open MPI's and Horovod's form) or <c>host:4</c> (MPICH's), also mixed;
/// <c>#</c> starts a comment.
/// </summary>
internal static class Hostfile
{
    private const string SlotsKey = "slots=";

    /// <summary>Reads the file.</summary>
    /// <exception cref="OpenEmbeddingException">It cannot be read, a line is malformed (the message starts with file and line) or it names no host.</exception>
    public static HostList Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"the host file {path} cannot be read: {e.Message}", JobExitCode.Configuration, e);
        }

        return Parse(path, lines);
    }

    public static HostList Parse(string path, IReadOnlyList<string> lines)
    {
        var hosts = new List<Host>();
        for (int i = 0; i < lines.Count; i++)
        {
            string content = lines[i].Split('#', 2)[0].Trim();
            if (content.Length == 0)
            {
                continue;
            }

            Host host = ParseLine(content, out string? wrong)
                ?? throw new OpenEmbeddingException($"{path}:{i + 1}: {wrong}", JobExitCode.Configuration);
            hosts.Add(host);
        }

        return hosts.Count > 0
            ? HostList.Of(hosts)
            : throw new OpenEmbeddingException($"the host file {path} names no host; a line is 'host slots=4' or 'host:4'", JobExitCode.Configuration);
    }

    private static Host? ParseLine(string line, out string? wrong)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (HostList.ParseHost(words[0], out wrong) is not Host host)
        {
            return null;
        }

        if (words.Length == 1)
        {
            return host;
        }

        if (words.Length > 2 || !words[1].StartsWith(SlotsKey, StringComparison.Ordinal) || words[0].Contains(':'))
        {
            wrong = $"a line is 'host slots=4' or 'host:4', with nothing behind it; this is '{line}'";
            return null;
        }

        return HostList.ParseSlots(words[1][SlotsKey.Length..], out wrong) is int slots ? host with { Slots = slots } : null;
    }
}
