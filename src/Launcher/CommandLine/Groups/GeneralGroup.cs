namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>What <c>oe-run</c> itself does.</summary>
internal sealed class GeneralGroup : OptionGroup
{
    private readonly LaunchOption _file;
    private readonly LaunchOption _checkBuild;
    private readonly LaunchOption _dryRun;
    private readonly LaunchOption _verbose;
    private readonly LaunchOption _help;
    private readonly LaunchOption _version;

    public GeneralGroup()
        : base("General")
    {
        _file = Value(["--config-file"], "FILE", "YAML file with these options; the command line wins over it");
        _checkBuild = Switch(["--check-build", "-cb"], "print what this machine has for jobs and start nothing");
        _dryRun = Switch(["--dry-run"], "print the mpirun command line and start nothing");
        _verbose = Switch(["--verbose"], "print the mpirun command line and what it follows from", "output.verbose");
        _help = Switch(["--help", "-h"], "print this");
        _version = Switch(["--version", "-v"], "print the version");
    }

    public string? ConfigurationFile(LaunchValues values) => values.Last(_file)?.NotEmpty("a file");

    public bool CheckBuild(LaunchValues values) => values.On(_checkBuild) is not null;

    public bool DryRun(LaunchValues values) => values.On(_dryRun) is not null;

    public bool Verbose(LaunchValues values) => values.On(_verbose) is not null;

    public bool Help(LaunchValues values) => values.On(_help) is not null;

    public bool Version(LaunchValues values) => values.On(_version) is not null;
}
