using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.CommandLine;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.Tests;

public sealed class ConfigurationFileTests : IDisposable
{
    private const string Example = """
        # as horovodrun reads it
        params:
          fusion_threshold_mb: 32
          cycle_time_ms:
        timeline:
          filename: 'time line.json'
        stall_check:
          enabled: true
          warning_time_seconds: 120
        hosts:
          num_proc: 3
          hosts: node1:2,node2:2
        environment:
          UCX_TLS: tcp,sm,self
          LEVEL: "2"
          SET:
        network: { interfaces: [lo], tcp: true }
        mpi:
          bind_to: core
        output:
          filename: logs
          prefix: true
          verbose: true
        """;

    private readonly string _file = Path.Combine(Path.GetTempPath(), $"oe-run-{Guid.NewGuid():N}.yaml");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void ReadsEverySection()
    {
        LaunchOptions options = Parse(Example, "a.json");

        Assert.Equal(3, options.Ranks);
        Assert.Equal("node1:2,node2:2", options.Hosts!.ToString());
        Assert.Equal([new("UCX_TLS", "tcp,sm,self"), new("LEVEL", "2"), new("SET", "here")], options.Environment);
        Assert.Equal(["lo"], options.Network.Interfaces);
        Assert.True(options.Network.TcpOnly);
        Assert.Equal(["-bind-to", "core"], options.Hydra.Binding);
        Assert.Equal(new OutputOptions { Folder = "logs", Prefix = LinePrefix.Rank }, options.Output);
        Assert.True(options.Verbose);
        Assert.Equal(
            [
                "oe-train", "--cluster.fusion_buffer_mb", "32", "--cluster.timeline", "time line.json", "--cluster.stall_warning_seconds", "120", "a.json",
            ],
            options.Command);
    }

    [Fact]
    public void TheCommandLineWins()
    {
        LaunchOptions options = Parse(
            Example, "-np", "4", "--bind-to", "none", "--verbose=false", "--env", "LEVEL=3", "--fusion-threshold-mb", "8", "oe-train");

        Assert.Equal(4, options.Ranks);
        Assert.Empty(options.Hydra.Binding);
        Assert.False(options.Verbose);
        Assert.Equal([new("UCX_TLS", "tcp,sm,self"), new("LEVEL", "3"), new("SET", "here")], options.Environment);
        Assert.Equal(["--cluster.fusion_buffer_mb", "8"], options.Command.Skip(1).Take(2));
    }

    [Fact]
    public void TheCommandLineTurnsAutotuneOfTheFileOff()
    {
        const string File = "autotune:\n  enabled: true\n  warmup_samples: 2\n  steps_per_sample: 5\n";
        Assert.Equal(
            ["oe-train", "--autotune.steps_per_sample", "5", "--autotune.enabled", "true", "--autotune.warmup_steps", "10", "a.json"],
            Parse(File, "-np", "1", "a.json").Command);
        Assert.Equal(["--autotune.enabled", "false"], Parse(File, "-np", "1", "--no-autotune", "a.json").Command.Skip(3).Take(2));
    }

    [Fact]
    public void AKeyMayTurnASwitchOn()
    {
        Assert.Contains("--cluster.stall_warning_seconds", Parse("stall_check:\n  enabled: false\n", "-np", "1", "a.json").Command);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing yet\n")]
    [InlineData("params:\nenvironment:\n")]
    public void AnEmptyFileSaysNothing(string text)
    {
        Assert.Equal(["prog"], Parse(text, "-np", "1", "prog").Command);
    }

    [Theory]
    [InlineData(":2: params.fusion_treshold_mb is not a known key; did you mean \"params.fusion_threshold_mb\"?", "params:\n  fusion_treshold_mb: 3")]
    [InlineData(":1: parms is not a known key; did you mean \"params\"?", "parms: 3")]
    [InlineData(":1: something is not a known key", "something: 3")]
    [InlineData(":3: params.cache_capacity is not needed: ranks exchange no names of tensors, so there are none to cache", "\nparams:\n  cache_capacity: 3")]
    [InlineData(":1: controller is not needed: MPI is the only controller", "controller: gloo")]
    [InlineData(":2: hosts.num_proc takes a whole number of at least 1; this is '0'", "hosts:\n  num_proc: 0")]
    [InlineData(":2: hosts.hosts a:x: the slots of a host are a whole number from 1 to 65536; this is 'x'", "hosts:\n  hosts: a:x")]
    [InlineData(":2: network.tcp is true or false; this is 'yes'", "network:\n  tcp: yes")]
    [InlineData(":3: ssh.port is one value, neither a list nor a section", "ssh:\n  port:\n    number: 3")]
    [InlineData(":1: params holds names with values, as 'name: value'", "params: 3")]
    [InlineData(":1: the file holds names with values, as 'name: value'", "- params")]
    public void NamesFileAndLine(string message, string text)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse(text, "prog"));

        Assert.Equal(_file + message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Theory]
    [InlineData("params:\n  fusion_threshold_mb: 3\n  fusion_threshold_mb: 4\n", 3)]
    [InlineData("params:\n  a: [\n", 3)]
    [InlineData("a: 'b\n", 1)]
    public void NamesTheLineThatIsNoYaml(string text, int line)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse(text, "prog"));

        Assert.StartsWith($"{_file}:{line}: ", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void NamesAFileThatIsMissing()
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Run("--config-file", _file, "prog"));

        Assert.StartsWith($"the configuration file {_file} cannot be read: ", error.Message);
    }

    private LaunchOptions Parse(string text, params string[] arguments)
    {
        File.WriteAllText(_file, text);
        return Run(["--config-file", _file, .. arguments]);
    }

    private static LaunchOptions Run(params string[] arguments) =>
        Assert.IsType<LaunchOptions>(new LaunchCommandLine(name => name == "SET" ? "here" : null).Parse(arguments, "oe-train"));
}
