using System.Text.RegularExpressions;
using OpenEmbedding.Trainer.CommandLine;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

/// <summary>The files that the code writes are those in the repository.</summary>
public sealed class GeneratedFilesTests
{
    private static readonly string _root = FindRoot();

    public static TheoryData<string> Examples => [.. Directory.GetFiles(Path.Combine(_root, "examples"), "criteo*.json").Select(path => Path.GetFileName(path))];

    [Fact]
    public void The_schema_is_what_the_program_prints()
    {
        string text = Assert.IsType<PrintArguments>(TrainerCommandLine.Parse(["schema"])).Text;
        Assert.True(
            text == File.ReadAllText(Path.Combine(_root, "examples", "oe-train.schema.json")),
            "write it again: oe-train schema > examples/oe-train.schema.json");
    }

    [Fact]
    public void The_tables_of_the_guide_are_what_the_program_prints()
    {
        string text = Assert.IsType<PrintArguments>(TrainerCommandLine.Parse(["keys"])).Text;
        string guide = File.ReadAllText(Path.Combine(_root, "docs", "configuration.md"));
        const string Heading = "## All keys\n\n";
        int start = guide.IndexOf(Heading, StringComparison.Ordinal) + Heading.Length;
        Assert.True(text == guide[start..], "put the text of oe-train keys below the heading \"All keys\", to the end of docs/configuration.md");
    }

    [Fact]
    public void Every_key_has_a_meaning() =>
        Assert.All(ConfigurationKeys.All, entry => Assert.EndsWith(".", entry.Description, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Examples))]
    public void Examples_are_valid(string name) => Assert.NotEmpty(JobOptions.Read(Path.Combine(_root, "examples", name)).Data.Train.Files);

    /// <summary>Whether the command lines of README and guides ask for what there is; a long test runs them.</summary>
    [Fact]
    public void The_commands_of_the_guides_are_understood()
    {
        string[] commands = [.. Directory.GetFiles(Path.Combine(_root, "docs"), "*.md").Append(Path.Combine(_root, "README.md")).SelectMany(Commands)];

        Assert.True(commands.Length > 20, $"{commands.Length} commands were found");
        Assert.All(commands, command =>
        {
            string[] arguments = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (TrainerCommandLine.Parse(arguments) is TrainArguments train)
            {
                string? file = train.ConfigPath is { } path ? Path.Combine(_root, "examples", Path.GetFileName(path)) : null;
                Assert.NotEmpty(JobOptions.Read(file, train.Overrides).Data.Train.Files);
            }
        });

        static IEnumerable<string> Commands(string page) =>
            Regex.Matches(File.ReadAllText(page), "```sh\n(.*?)```", RegexOptions.Singleline)
                .SelectMany(block => Regex.Matches(Regex.Replace(block.Groups[1].Value, "#.*", ""), @"oe-train ([^\n'&|;]+)"))
                .Select(command => command.Groups[1].Value);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "OpenEmbedding.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
