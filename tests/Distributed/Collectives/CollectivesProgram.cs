namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>The program whose jobs check the collectives; it lies beside the tests.</summary>
internal static class CollectivesProgram
{
    internal static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "OpenEmbedding.Collectives.TestProgram.dll");

    internal static MpiJobResult Run(int ranks, params string[] args) => MpiJob.Run(ranks, Path, args);

    internal static MpiJob Start(int ranks, params string[] args) => MpiJob.Start(ranks, Path, args, timeout: TimeSpan.FromSeconds(60));
}
