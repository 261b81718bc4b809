namespace OpenEmbedding.Benchmarks.Cluster.Network;

/// <summary>Where the ranks of the jobs run.</summary>
internal interface IHosts : IDisposable
{
    /// <summary>mpirun with the options that place so many ranks; <c>-np</c> is not among them.</summary>
    IReadOnlyList<string> Launcher(int ranks);
}

/// <summary>This machine as it is.</summary>
internal sealed class ThisMachine : IHosts
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Launcher(int ranks) => ["mpirun.mpich"];

    public void Dispose()
    {
    }
}
