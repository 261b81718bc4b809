using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Ceiling;

/// <summary>What a rank of the ceiling computes.</summary>
/// <param name="Workload">Model and dimension.</param>
/// <param name="BatchSize">Rows per step.</param>
/// <param name="WarmUp">Steps before the measured ones.</param>
/// <param name="Steps">Measured steps of every rank.</param>
/// <param name="Summary">The file for the result.</param>
internal sealed record CeilingArguments(Workload Workload, int BatchSize, int WarmUp, int Steps, string Summary)
{
    /// <summary>Reads what <see cref="Jobs.JobCommand"/> writes.</summary>
    public static CeilingArguments Parse(IReadOnlyList<string> args)
    {
        var values = args.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        return new CeilingArguments(
            new Workload(Enum.Parse<ModelName>(values["--model"], ignoreCase: true), int.Parse(values["--dim"])),
            int.Parse(values["--batch"]),
            int.Parse(values["--warmup"]),
            int.Parse(values["--steps"]),
            values["--summary"]);
    }
}
