using System.Globalization;
using System.Text;

namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>The text of <c>oe-run --help</c>.</summary>
internal static class LaunchHelp
{
    private const string Start = """
        Usage: oe-run -np N [options] [--] COMMAND [ARGS...]
               oe-run -np N [options] CONFIG.json [options of oe-train]

        Starts COMMAND on N ranks with MPICH's mpirun, passes signals on and ends with the job's exit code.
        Where COMMAND is a .json file, oe-train runs it.

        """;

    public static string Write(IEnumerable<OptionGroup> groups)
    {
        var text = new StringBuilder(Start);
        (string Title, (string Names, string Description)[] Lines)[] sections =
            [.. groups.Select(group => (group.Title, group.Options.Select(option => (Names(option), option.Description)).ToArray()))];
        int width = sections.SelectMany(section => section.Lines).Max(line => line.Names.Length);
        foreach ((string title, (string Names, string Description)[] lines) in sections)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{title}\n");
            foreach ((string names, string description) in lines)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {names.PadRight(width)}  {description}\n");
            }
        }

        return text.ToString();
    }

    private static string Names(LaunchOption option) =>
        string.Join(", ", option.Names) + (option.ValueName is null ? "" : " " + option.ValueName);
}
