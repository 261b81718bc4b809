using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation;

/// <summary>How well samples were scored, and what the tables were like then.</summary>
/// <param name="Step">Steps so far.</param>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="What">Which samples.</param>
/// <param name="Quality">How well.</param>
/// <param name="Norms">Norms of rows that are in use, table by table.</param>
/// <param name="Tables">The statistics of all servers.</param>
internal sealed record ScoreReport(
    long Step, int Epoch, ScoredRows What, Quality Quality, IReadOnlyList<TableNorms> Norms, IReadOnlyList<TableStatistics> Tables);

/// <summary>Which samples were scored.</summary>
internal enum ScoredRows
{
    /// <summary>Those of an epoch, each before its step.</summary>
    Train,

    /// <summary>The test rows.</summary>
    Test,
}

/// <summary>Euclidean norms of some rows of a table.</summary>
/// <param name="Table">The table's name.</param>
/// <param name="Norms">The norms, in no order.</param>
internal sealed record TableNorms(string Table, double[] Norms);
