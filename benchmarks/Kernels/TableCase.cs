using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The update rules that are measured.</summary>
public enum RuleName
{
    Sgd,
    Adagrad,
    Adam,
}

/// <summary>What is measured: a table that holds all its rows, and the distribution of the keys.</summary>
internal sealed record TableSettings(TableKind Kind, int Dimension, long Rows, RuleName Rule, KeyDistribution Distribution)
{
    /// <summary>Keys of one call that reads or makes many rows.</summary>
    public const int ChunkRows = 1 << 14;

    /// <summary>Bytes of a row's weights.</summary>
    public int WeightBytes => Dimension * sizeof(float);

    /// <summary>Bytes of a row's weights and slots.</summary>
    public long RowBytes => WeightBytes + RowOptimizer.Create(Optimizer, Collectives.ElementType.Float32).SlotBytes(Dimension);

    private OptimizerOptions Optimizer => Rule switch
    {
        RuleName.Sgd => new SgdOptions(),
        RuleName.Adagrad => new AdagradOptions(),
        _ => new AdamOptions(),
    };

    /// <summary>What defines the table.</summary>
    public TableOptions Options => new() { Name = "table", Kind = Kind, Vocabulary = Rows, Dimension = Dimension, Optimizer = Optimizer };

    /// <summary>Makes the table with every row.</summary>
    /// <param name="growth">What bounds its growth; by default nothing.</param>
    public EmbeddingTable CreateTable(GrowthOptions? growth = null)
    {
        var table = EmbeddingTable.Create(Options with { Growth = growth }, 0, 1);
        Fill(table);
        return table;
    }

    /// <summary>Makes every row of a table.</summary>
    public void Fill(EmbeddingTable table)
    {
        long[] keys = new long[ChunkRows];
        long[] rows = new long[ChunkRows];
        for (long start = 0; start < Rows; start += ChunkRows)
        {
            int count = (int)Math.Min(ChunkRows, Rows - start);
            for (int i = 0; i < count; i++)
            {
                keys[i] = KeyOf(start + i);
            }

            table.FindOrAdd(keys.AsSpan(0, count), rows);
            table.Release(rows.AsSpan(0, count));
        }
    }

    /// <summary>The key of a row number: itself in an array table; in a hash table far from its neighbours, as hashed strings are.</summary>
    public long KeyOf(long number) => Kind == TableKind.Array ? number : (long)((ulong)number * 0x9E3779B97F4A7C15 >> 2);
}

/// <summary>One batch: ids as they come, and what a server gets of them from several trainers.</summary>
internal sealed class TableBatch
{
    /// <summary>4096 samples of 26 fields.</summary>
    public const int Ids = 4096 * 26;

    /// <summary>Trainers that share a batch.</summary>
    public const int Trainers = 4;

    public TableBatch(TableSettings settings, EmbeddingTable table, int seed)
    {
        Numbers = new KeyStream(settings.Distribution, settings.Rows, seed).Draw(Ids);
        Keys = Array.ConvertAll(Numbers, settings.KeyOf);
        Rows = Find(table, Keys);
        var plan = new KeyBatch();
        plan.Plan(Keys, settings.Kind, 1);
        DistinctRows = Find(table, plan.Keys);
        for (int trainer = 0; trainer < Trainers; trainer++)
        {
            plan.Plan(Keys.AsSpan(trainer * (Ids / Trainers), Ids / Trainers), settings.Kind, 1);
            TrainerRows[trainer] = Find(table, plan.Keys);
        }
    }

    /// <summary>Row numbers in [0, rows), with repeats.</summary>
    public long[] Numbers { get; }

    /// <summary>Their keys.</summary>
    public long[] Keys { get; }

    /// <summary>Their row handles.</summary>
    public long[] Rows { get; }

    /// <summary>Their distinct row handles.</summary>
    public long[] DistinctRows { get; }

    /// <summary>For each trainer the distinct row handles of its part of the batch.</summary>
    public long[][] TrainerRows { get; } = new long[Trainers][];

    private static long[] Find(EmbeddingTable table, ReadOnlySpan<long> keys)
    {
        long[] rows = new long[keys.Length];
        table.Find(keys, rows);
        return rows;
    }
}
