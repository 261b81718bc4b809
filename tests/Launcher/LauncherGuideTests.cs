using OpenEmbedding.Launcher.CommandLine;

namespace OpenEmbedding.Launcher.Tests;

/// <summary>docs/launcher.md.</summary>
public sealed class LauncherGuideTests
{
    private static readonly string[] _rows = [.. File.ReadLines(Find("docs/launcher.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal))];

    [Fact]
    public void TheTableNamesEveryOption()
    {
        // Their short form beside -np is mpirun's.
        IEnumerable<string> names = new LaunchCommandLine(_ => null).Options.SelectMany(option => option.Names).Except(["-n"])
            .Concat(UnneededOption.All.SelectMany(option => option.Names));

        Assert.All(names, name => Assert.Single(_rows, row => Subject(row).Contains($"`{name}`")));
    }

    // horovodrun's flag, or, where it has none, what is only here.
    private static string Subject(string row) => row.Split('|', StringSplitOptions.TrimEntries).First(cell => cell.Length > 0);

    private static string Find(string path)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, path)))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder ?? throw new FileNotFoundException(path), path);
    }
}
