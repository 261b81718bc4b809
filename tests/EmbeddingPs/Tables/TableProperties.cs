using CsCheck;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

/// <summary>What holds for every table, every sequence of batches and every number of shards.</summary>
public class TableProperties
{
    private const long Vocabulary = 5000;

    private static Gen<TableOptions> Tables { get; } =
        from kind in Gen.Enum<TableKind>()
        from dimension in Gen.OneOfConst(1, 3, 8, 9, 17)
        from optimizer in Gen.OneOfConst<OptimizerOptions>(
            new SgdOptions(), new AdagradOptions(), new AdamOptions(), new FtrlOptions { L1 = 0.01 })
        from l2 in Gen.OneOfConst(0, 0.1)
        select new TableOptions
        {
            Name = "table",
            Kind = kind,
            Vocabulary = Vocabulary,
            Dimension = dimension,
            Optimizer = optimizer,
            Initializer = new RandomNormalOptions(),
            L2 = l2,
            Seed = 3,
        };

    private static Gen<long> KeysOf(TableKind kind) => kind == TableKind.Array
        ? Gen.Long[0, Vocabulary - 1]
        : Gen.OneOf(Gen.Long[0, 200], Gen.Long[0, long.MaxValue], Gen.OneOfConst(0, long.MaxValue));

    private static Gen<(TableOptions Options, long[][] Batches)> Jobs { get; } =
        from options in Tables
        from batches in KeysOf(options.Kind).Array[0, 700].Array[1, 4]
        select (options, batches);

    [Fact]
    public void AnyNumberOfShardsGivesTheSameTable()
    {
        Gen.Select(Jobs, Gen.Int[2, 7]).Sample(
            (job, shards) =>
            {
                using var whole = EmbeddingTable.Create(job.Options, 0, 1);
                var parts = Enumerable.Range(0, shards).Select(s => EmbeddingTable.Create(job.Options, s, shards)).ToArray();
                foreach (long[] batch in job.Batches)
                {
                    long[] keys = batch.Distinct().ToArray();
                    Train(whole, keys);
                    foreach (var part in parts)
                    {
                        Train(part, Array.FindAll(keys, k => Sharding.ShardOf(job.Options.Kind, k, shards) == part.Shard));
                    }
                }

                var merged = parts.SelectMany(p => p.ScanAll(64)).OrderBy(p => p.Key).ToArray();
                var expected = whole.ScanAll(1000).ToArray();
                Assert.Equal(expected.Select(p => p.Key), merged.Select(p => p.Key));
                Assert.Equal(expected.SelectMany(p => p.Value), merged.SelectMany(p => p.Value));
                Assert.Equal(whole.RowCount, parts.Sum(p => p.RowCount));
                Array.ForEach(parts, p => p.Dispose());
            },
            iter: 60);
    }

    [Fact]
    public void TableAgreesWithADictionary()
    {
        Jobs.Sample(
            job =>
            {
                using var table = EmbeddingTable.Create(job.Options, 0, 1);
                var handles = new Dictionary<long, long>();
                foreach (long[] batch in job.Batches)
                {
                    // The batch has repeats.
                    Assert.Equal(batch.Select(k => handles.GetValueOrDefault(k, -1)), table.Find(batch));
                    long[] rows = table.FindOrAdd(batch);
                    for (int i = 0; i < batch.Length; i++)
                    {
                        handles.TryAdd(batch[i], rows[i]);
                        Assert.Equal(handles[batch[i]], rows[i]);
                    }
                }

                Assert.Equal(handles.Count, handles.Values.Distinct().Count());
                Assert.Equal(handles.Values, table.Find([.. handles.Keys]));
                Assert.Equal(handles.Count, table.RowCount);
                Assert.Equal(handles.Keys.Order(), table.ScanAll(7).Keys);
            },
            iter: 100);
    }

    [Fact]
    public void ReadStoresNothingAndGivesWhatTrainingWouldStartFrom()
    {
        Gen.Select(Jobs, Gen.Int[0, 700]).Sample(
            (job, trained) =>
            {
                using var table = EmbeddingTable.Create(job.Options, 0, 1);
                long[] keys = job.Batches.SelectMany(b => b).ToArray();
                Train(table, keys.Take(trained).Distinct().ToArray());
                long rows = table.RowCount;
                long bytes = table.MemoryBytes;
                float[] read = table.Read(keys);
                Assert.Equal(rows, table.RowCount);
                Assert.Equal(bytes, table.MemoryBytes);
                Assert.Equal(read, table.Gather(table.FindOrAdd(keys)));
            },
            iter: 60);
    }

    [Fact]
    public void AnAccumulatorAppliesTheSumInTheOrderOfItsSources()
    {
        Gen.Select(Jobs, Gen.Int[1, 3]).Sample(
            (job, steps) =>
            {
                using var accumulated = EmbeddingTable.Create(job.Options, 0, 1);
                using var expected = EmbeddingTable.Create(job.Options, 0, 1);
                using var accumulator = new GradientAccumulator(accumulated);
                for (int step = 0; step < steps; step++)
                {
                    var sums = new Dictionary<long, float[]>();
                    var buffers = new List<NativeArray<float>>();
                    foreach (long[] source in job.Batches.Skip(step % 2))
                    {
                        long[] keys = source.Distinct().ToArray();
                        float[] gradients = Gradients(keys, job.Options.Dimension, step + buffers.Count);
                        buffers.Add(new NativeArray<float>(gradients));
                        accumulator.Add(accumulated.FindOrAdd(keys), buffers[^1].Address);
                        AddTo(sums, keys, gradients, job.Options.Dimension);
                    }

                    accumulator.Apply();
                    buffers.ForEach(b => b.Dispose());
                    expected.Apply(expected.FindOrAdd([.. sums.Keys]), sums.Values.SelectMany(s => s).ToArray());
                }

                Assert.Equal(expected.ScanAll(100).SelectMany(p => p.Value), accumulated.ScanAll(100).SelectMany(p => p.Value));
            },
            iter: 60);
    }

    private static void AddTo(Dictionary<long, float[]> sums, long[] keys, float[] gradients, int dimension)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            float[] gradient = gradients[(i * dimension)..((i + 1) * dimension)];
            sums[keys[i]] = sums.TryGetValue(keys[i], out float[]? sum) ? sum.Zip(gradient, (a, b) => a + b).ToArray() : gradient;
        }
    }

    private static void Train(EmbeddingTable table, long[] keys)
    {
        table.Apply(table.FindOrAdd(keys), Gradients(keys, table.Options.Dimension, 0));
    }

    private static float[] Gradients(long[] keys, int dimension, int salt)
    {
        return keys.SelectMany(k => Enumerable.Range(0, dimension).Select(i => (float)Math.Sin(k % 1000 + 17 * i + salt))).ToArray();
    }
}
