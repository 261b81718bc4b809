using System.IO.Hashing;
using System.Text;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Reading a job from its file and the command line, and writing it back.</summary>
public sealed partial record JobOptions
{
    /// <summary>A hash of all that the ranks must agree on: everything but <see cref="Output"/>.</summary>
    public string Hash =>
        Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes((this with { Output = new OutputOptions() }).ToJson())));

    /// <summary>Reads a job from a file and the overrides of the command line, and checks all of it.</summary>
    /// <param name="path">The file; null where the overrides say all that is needed.</param>
    /// <param name="overrides">Keys and values that go before those of the file; of one key given twice, the last holds.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">
    /// One line that names file, key, value and what is allowed; exit code <see cref="Collectives.JobExitCode.Configuration"/>.
    /// </exception>
    public static JobOptions Read(string? path, IReadOnlyList<ConfigurationOverride>? overrides = null) =>
        new ConfigurationLoader(path, overrides ?? []).Load();

    /// <summary>The whole job as JSON with the values in effect; keys without a value are left out.</summary>
    public string ToJson() => ConfigurationWriter.Write(this);
}
