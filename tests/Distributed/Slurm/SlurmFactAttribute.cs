namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>A test that needs Slurm; skipped, with the reason, where it is not there and cannot be installed.</summary>
public sealed class SlurmFactAttribute : FactAttribute
{
    public SlurmFactAttribute()
    {
        Skip = SlurmCluster.WhyNot;
    }
}

/// <summary>A theory that needs Slurm; see <see cref="SlurmFactAttribute"/>.</summary>
public sealed class SlurmTheoryAttribute : TheoryAttribute
{
    public SlurmTheoryAttribute()
    {
        Skip = SlurmCluster.WhyNot;
    }
}
