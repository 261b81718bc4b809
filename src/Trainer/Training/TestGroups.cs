using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The metrics of test rows by the keys of a column, where the configuration asks for them.</summary>
internal sealed class TestGroups
{
    private readonly GroupedMetrics? _metrics;
    private readonly int _slot;
    private long[] _keys = [];

    public TestGroups(JobOptions job)
    {
        if (job.Train.TestGroupBy is { } column)
        {
            _metrics = new GroupedMetrics();
            _slot = new SparseSlots(job.Data.Sparse).FirstOf(job.Data.Sparse.Select(sparse => sparse.Name).ToList().IndexOf(column));
        }
    }

    /// <summary>Adds a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="logits">Their scores, [rows].</param>
    public void Add(Batch batch, ReadOnlySpan<float> logits)
    {
        if (_metrics is null)
        {
            return;
        }

        if (_keys.Length < batch.Rows)
        {
            _keys = new long[batch.Rows];
        }

        batch.CopyIds(_slot, _keys);
        _metrics.Add(_keys.AsSpan(0, batch.Rows), logits, batch.Labels.AsSpan(0, batch.Rows));
    }

    /// <summary>The metrics of all trainers' rows, the same on each; null where none are asked for.</summary>
    public GroupedQuality? Reduce(ProcessSet trainers) => _metrics?.Reduce(trainers);
}
