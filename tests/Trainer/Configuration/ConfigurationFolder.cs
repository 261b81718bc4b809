using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.CommandLine;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

/// <summary>A folder for configuration files that goes away with the test.</summary>
internal sealed class ConfigurationFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("oe-configuration-");

    public string PathOf(string name) => Path.Combine(_folder.FullName, name);

    public string Write(string text, string name = "criteo.json")
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    public JobOptions Load(string text, params string[] overrides) => LoadArguments([Write(text), .. overrides]);

    /// <summary>The message of a configuration that must be refused, with file names without their folder.</summary>
    public string Refusal(string text, params string[] overrides) => RefusalOfArguments([Write(text), .. overrides]);

    public string RefusalOfArguments(params string[] args)
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => LoadArguments(args));
        Assert.Equal(JobExitCode.Configuration, failure.ExitCode);
        Assert.DoesNotContain('\n', failure.Message);
        return failure.Message.Replace(_folder.FullName + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
    }

    public static JobOptions LoadArguments(params string[] args)
    {
        var train = Assert.IsType<TrainArguments>(TrainerCommandLine.Parse(args));
        return JobOptions.Read(train.ConfigPath, train.Overrides);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
