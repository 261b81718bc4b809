using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Packages;

/// <summary>The packages, in programs that have nothing else of this repository: those that their READMEs show.</summary>
[Trait("Kind", "Long")]
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    [Fact]
    public void TheModelOfTheTrainersReadmeTrains()
    {
        string program = feed.Build("OpenEmbedding.Trainer", "src/Trainer/package.md");

        MpiJobResult result = MpiJob.Run(4, program, [], timeout: OeTrain.Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"^step 50: loss \d\.\d{4}\nstep 100: loss \d\.\d{4}\n$", result.Output);
    }

    [Fact]
    public void TheSumOfTheCollectivesReadmeIsThatOfAllRanks()
    {
        string program = feed.Build("OpenEmbedding.Collectives", "src/Collectives/package.md");

        MpiJobResult result = MpiJob.Run(3, program, [], timeout: OeTrain.Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(["rank 0 of 3: 3 3", "rank 1 of 3: 3 3", "rank 2 of 3: 3 3"], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Theory]
    [InlineData("OpenEmbedding.Collectives")]
    [InlineData("OpenEmbedding.EmbeddingPs")]
    [InlineData("OpenEmbedding.Trainer")]
    public void EachHasReadmeDocumentationAndSymbols(string package)
    {
        Assert.Contains("README.md", feed.FilesOf(package, "nupkg"));
        Assert.Contains($"lib/net10.0/{package}.xml", feed.FilesOf(package, "nupkg"));
        Assert.Contains($"lib/net10.0/{package}.pdb", feed.FilesOf(package, "snupkg"));
    }
}
