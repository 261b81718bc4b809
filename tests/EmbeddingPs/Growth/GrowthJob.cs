using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Server;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Growth;

/// <summary>
/// Random steps on tables with bounded growth whose keys change over time, with pulls ahead and pushes in any order of the trainers. Rows
/// that are pulled, and all that is stored, must be those of the reference.
/// </summary>
internal sealed class GrowthJob : IDisposable
{
    private const double Tolerance = 1e-11;

    private readonly Random _random;
    private readonly IReadOnlyList<IEmbeddingStore> _stores;
    private readonly TableOptions[] _tables;
    private readonly ReferenceGrowth[] _reference;

    public GrowthJob(Random random, IReadOnlyList<IEmbeddingStore> stores, TableOptions[] tables)
    {
        _random = random;
        _stores = stores;
        _tables = tables;
        _reference = [.. tables.Select(table => new ReferenceGrowth(table, stores[0].Shards))];
    }

    /// <summary>Two tables that share their keys, as the linear weight and the embedding of a column.</summary>
    public static TableOptions[] RandomTables(Random random)
    {
        var growth = new GrowthOptions
        {
            MinCount = random.Next(1, 4),
            MaxCandidates = random.Next(2) == 0 ? 12 : 1000,
            MaxIdleSteps = random.Next(2) == 0 ? random.Next(1, 12) : null,
            MinNorm = random.Next(2) == 0 ? 0.9 : 0,
            MinNormIdleSteps = random.Next(1, 6),
            MaxRows = random.Next(2) == 0 ? random.Next(1, 40) : null,
            WhenFull = FullTable.Evict,
            SweepEverySteps = random.Next(1, 6),
        };
        return
        [
            .. new[] { 1, 3 }.Select(dimension => new TableOptions
            {
                Name = $"table{dimension}",
                Kind = TableKind.Hash,
                Dimension = dimension,
                ElementType = ElementType.Float64,
                Initializer = new RandomNormalOptions { Stddev = 0.5 },
                Optimizer = random.Next(3) switch { 0 => new SgdOptions { LearningRate = 0.1 }, 1 => new AdagradOptions { LearningRate = 0.1 }, _ => new AdamOptions() },
                L2 = random.Next(2) * 0.01,
                Seed = 7,
                Growth = growth,
            }),
        ];
    }

    /// <summary>Runs steps and compares.</summary>
    /// <returns>Rows that went.</returns>
    public long Run(int steps)
    {
        var pulls = BeginPulls(0);
        for (int step = 0; step < steps; step++)
        {
            Array.ForEach(pulls, Compare);
            var next = BeginPulls(step + 1);
            Push(step, pulls);
            pulls = next;
        }

        Array.ForEach(pulls, pull => pull.Ticket.Dispose());
        Array.ForEach(Enumerable.Range(0, _tables.Length).ToArray(), CompareStored);
        return _reference.Sum(table => table.Evicted);
    }

    public void Dispose() => Array.ForEach(_reference, table => table.Dispose());

    private Pull[] BeginPulls(int step) => [.. _stores.Select(store =>
    {
        // Some keys come always, others for a time.
        long[] ids = [.. Enumerable.Range(0, _random.Next(12)).Select(_ => _random.Next(2) == 0 ? _random.Next(8) : 1000L + (2 * step) + _random.Next(30))];
        var keys = store.Plan(TableKind.Hash, ids);
        return new Pull(keys, store.BeginPull(step, PullMode.Train, [new PullSection(keys, [0, 1])]));
    })];

    private void Compare(Pull pull)
    {
        pull.Ticket.Wait();
        for (int table = 0; table < _tables.Length; table++)
        {
            using var rows = new NativeArray<double>(pull.Keys.Count * _tables[table].Dimension);
            pull.Ticket.CopyRows(0, table, rows.Address);
            AssertNear(_reference[table].Read(pull.Keys.Keys), rows.Span);
        }
    }

    private void Push(int step, Pull[] pulls)
    {
        var gradients = _tables.Select(_ => new List<Dictionary<long, double[]>>()).ToArray();
        var memory = new List<NativeArray<double>>();
        var blocks = Array.ConvertAll(pulls, pull =>
        {
            nint[] addresses = new nint[_tables.Length];
            for (int table = 0; table < _tables.Length; table++)
            {
                int dimension = _tables[table].Dimension;
                double[] values = [.. Enumerable.Range(0, pull.Keys.Count * dimension).Select(_ => _random.Next(-32, 32) / 64.0)];
                memory.Add(new NativeArray<double>(values));
                addresses[table] = memory[^1].Address;
                var byKey = new Dictionary<long, double[]>();
                for (int i = 0; i < pull.Keys.Count; i++)
                {
                    byKey.Add(pull.Keys.Keys[i], values[(i * dimension)..((i + 1) * dimension)]);
                }

                gradients[table].Add(byKey);
            }

            return new GradientBlock(pull.Ticket, [addresses]);
        });

        // A pull without a push trains nothing.
        bool[] pushed = [.. pulls.Select(_ => _random.Next(8) > 0)];
        int[] order = [.. Enumerable.Range(0, pulls.Length)];
        _random.Shuffle(order);
        Array.ForEach(order, trainer => _stores[trainer].Push(step, pushed[trainer] ? [blocks[trainer]] : []));
        for (int table = 0; table < _tables.Length; table++)
        {
            _reference[table].Step([.. gradients[table].Where((_, trainer) => pushed[trainer])]);
        }

        Array.ForEach(pulls, pull => pull.Ticket.Dispose());
        memory.ForEach(values => values.Dispose());
    }

    private void CompareStored(int table)
    {
        var reference = _reference[table];
        var stored = new SortedDictionary<long, double[]>();
        int dimension = _tables[table].Dimension;
        _stores[0].ReadTable(table, (keys, weights) =>
        {
            double[] all = new double[keys.Length * dimension];
            Buffer.BlockCopy(weights, 0, all, 0, weights.Length);
            for (int i = 0; i < keys.Length; i++)
            {
                stored.Add(keys[i], all[(i * dimension)..((i + 1) * dimension)]);
            }
        });
        Assert.Equal(reference.Keys, stored.Keys);
        Assert.All(stored, pair => AssertNear(reference.Read([pair.Key]), pair.Value));
        var statistics = _stores[0].GetStatistics().Where(shard => shard.Table == table).ToArray();
        Assert.Equal(
            (reference.Keys.LongCount(), reference.Admitted, reference.Evicted, reference.CandidateKeys.LongCount()),
            (statistics.Sum(shard => shard.Rows), statistics.Sum(shard => shard.RowsAdmitted), statistics.Sum(shard => shard.RowsEvicted), statistics.Sum(shard => shard.Candidates)));
    }

    private static void AssertNear(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], Tolerance);
        }
    }

    private sealed record Pull(KeyBatch Keys, PullTicket Ticket);
}
