using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>What becomes of the ranks' output.</summary>
internal sealed class OutputGroup : OptionGroup
{
    private readonly LaunchOption _folder;
    private readonly LaunchOption _rank;
    private readonly LaunchOption _time;

    public OutputGroup()
        : base("Output")
    {
        _folder = Value(["--output-filename"], "DIR", "also write DIR/rank.N/stdout and DIR/rank.N/stderr", "output.filename");
        _rank = Switch(["--prefix-output"], "start each line with its rank: [3] line", "output.prefix");
        _time = Switch(
            ["--prefix-output-with-timestamp", "-prefix-timestamp"], "start each line with the time in UTC and its rank", "output.prefix_with_timestamp");
    }

    public OutputOptions Read(LaunchValues values) => new()
    {
        Folder = values.Last(_folder)?.NotEmpty("a folder"),
        Prefix = values.On(_time) is not null ? LinePrefix.TimeAndRank : values.On(_rank) is not null ? LinePrefix.Rank : LinePrefix.None,
    };
}
