using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Optimizers;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Growth;

/// <summary>A float64 table with bounded growth as plainly as its rules: dictionaries of rows and of counts, and a sweep over all.</summary>
internal sealed class ReferenceGrowth : IDisposable
{
    private readonly TableOptions _options;
    private readonly GrowthOptions _growth;
    private readonly int _shards;
    private readonly EmbeddingTable _untrained;
    private readonly Dictionary<long, Row> _rows = [];
    private readonly Dictionary<long, int> _counts = [];
    private long _step;

    public ReferenceGrowth(TableOptions options, int shards)
    {
        _options = options;
        _growth = options.Growth!;
        _shards = shards;
        _untrained = EmbeddingTable.Create(options, 0, 1);
    }

    public IEnumerable<long> Keys => _rows.Keys.Order();

    public IEnumerable<long> CandidateKeys => _counts.Keys.Order();

    public long Admitted { get; private set; }

    public long Evicted { get; private set; }

    /// <summary>The weights of keys, initial ones where there is no row.</summary>
    public double[] Read(ReadOnlySpan<long> keys)
    {
        var weights = new List<double>();
        foreach (long key in keys)
        {
            weights.AddRange(_rows.TryGetValue(key, out var row) ? row.Weights : InitialOf(key));
        }

        return [.. weights];
    }

    /// <summary>One step with the gradients of each trainer, by key.</summary>
    public void Step(IReadOnlyList<Dictionary<long, double[]>> gradients)
    {
        _step++;
        foreach (long key in gradients.SelectMany(ofTrainer => ofTrainer.Keys).Distinct())
        {
            if (!_rows.ContainsKey(key))
            {
                int count = _counts.GetValueOrDefault(key) + 1;
                _counts[key] = count;
                if (count >= _growth.MinCount)
                {
                    _counts.Remove(key);
                    _rows.Add(key, new Row(InitialOf(key), _options));
                    Admitted++;
                }
            }

            if (_rows.TryGetValue(key, out var row))
            {
                double[] sum = new double[_options.Dimension];
                foreach (var ofTrainer in gradients.Where(ofTrainer => ofTrainer.ContainsKey(key)))
                {
                    sum = [.. sum.Zip(ofTrainer[key], (a, b) => a + b)];
                }

                row.Update(sum);
                row.LastStep = _step;
            }
        }

        for (int shard = 0; shard < _shards; shard++)
        {
            ForgetCandidates(shard);
            if (_step % _growth.SweepEverySteps == 0)
            {
                Sweep(shard);
            }
        }
    }

    public void Dispose() => _untrained.Dispose();

    private bool IsOf(long key, int shard) => Sharding.ShardOf(TableKind.Hash, key, _shards) == shard;

    private void ForgetCandidates(int shard)
    {
        long limit = (_growth.MaxCandidates + _shards - 1) / _shards;
        long[] keys = [.. _counts.Keys.Where(key => IsOf(key, shard))];
        for (int least = 1; keys.Length > limit && _counts.Keys.Count(key => IsOf(key, shard)) > limit / 2; least++)
        {
            Array.ForEach(Array.FindAll(keys, key => _counts.GetValueOrDefault(key) == least), key => _counts.Remove(key));
        }
    }

    private void Sweep(int shard)
    {
        foreach (var (key, row) in _rows.Where(pair => IsOf(pair.Key, shard)).ToArray())
        {
            long idle = _step - row.LastStep;
            if (idle >= _growth.MaxIdleSteps || (idle >= _growth.MinNormIdleSteps && Math.Sqrt(row.Weights.Sum(w => w * w)) < _growth.MinNorm))
            {
                Evict(key);
            }
        }

        long limit = _growth.MaxRows is { } rows ? (rows + _shards - 1) / _shards : long.MaxValue;
        var left = _rows.Where(pair => IsOf(pair.Key, shard)).OrderBy(pair => pair.Value.LastStep).ThenBy(pair => pair.Key).ToArray();
        if (left.Length > limit)
        {
            Array.ForEach(left[..(int)(left.Length - Math.Max(1, limit * 90 / 100))], pair => Evict(pair.Key));
        }
    }

    private void Evict(long key)
    {
        _rows.Remove(key);
        Evicted++;
    }

    private double[] InitialOf(long key)
    {
        using var weights = new NativeArray<double>(_options.Dimension);
        _untrained.Read([key], weights.Address);
        return weights.Span.ToArray();
    }

    private sealed class Row(double[] weights, TableOptions options)
    {
        private readonly ReferenceOptimizer[] _rules = [.. weights.Select(_ => new ReferenceOptimizer(options.Optimizer))];

        public double[] Weights { get; private set; } = weights;

        public long LastStep { get; set; }

        public void Update(double[] gradient) =>
            Weights = [.. Weights.Select((weight, i) => _rules[i].Step(weight, gradient[i] + (2 * options.L2 * weight)))];
    }
}
