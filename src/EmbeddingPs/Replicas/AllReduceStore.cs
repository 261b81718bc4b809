using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>Every trainer holds all tables; a step's gradient is an array as large as the tables, all-reduced, and every row is updated.</summary>
/// <remarks>
/// This is data-parallel training as it is without a parameter server. Optimizers that move rows without a gradient (momentum, Adam and its
/// like) therefore move all rows; L2 pulls on rows with a gradient only, as it does on servers.
/// </remarks>
public sealed class AllReduceStore : ReplicaStore
{
    private readonly List<Pending> _pending = [];
    private DenseGradient[] _gradients = [];

    /// <summary>Makes the store of this rank.</summary>
    /// <param name="trainers">All trainers; better a set of its own, whose operations no other thread starts.</param>
    /// <param name="wire">How gradients travel, the same on every rank; by default as they are.</param>
    public AllReduceStore(ProcessSet trainers, WireOptions? wire = null)
        : base(trainers, wire)
    {
    }

    private protected override void Check(IReadOnlyList<TableOptions> tables)
    {
        foreach (var table in tables)
        {
            if (table.Kind != TableKind.Array)
            {
                throw new OpenEmbeddingException(
                    $"Table {table.Name}: strategy \"allreduce\" needs array tables, not {table.Kind}; use \"ps\" or \"allgather\" for hash tables.",
                    JobExitCode.Configuration);
            }

            if (table.Vocabulary > Array.MaxLength)
            {
                throw new OpenEmbeddingException(
                    $"Table {table.Name}: strategy \"allreduce\" takes vocabularies up to {Array.MaxLength}, not {table.Vocabulary}.",
                    JobExitCode.Configuration);
            }
        }
    }

    private protected override TableShard CreateShard(TableShapes shapes)
    {
        // L2 is added here, to rows with a gradient: the tables see a gradient for every row.
        var shard = new TableShard(new TableShapes([.. shapes.Tables.Select(table => table with { L2 = 0 })], Wire), 0, 1);
        Array.ForEach(_gradients, gradient => gradient.Dispose());
        _gradients = [.. shard.Tables.Select((table, i) =>
            new DenseGradient(table, shapes.Tables[i].L2, shapes.RowBytes(i), WireFormat.OfGradients(table.Options.ElementType, Wire.Dense)))];
        return shard;
    }

    private protected override void BeginPush(IReadOnlyList<GradientBlock> blocks)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            Add(blocks[i]);
        }

        Array.ForEach(_gradients, gradient => gradient.Send());
        foreach (var ofType in _gradients.GroupBy(gradient => gradient.SentType))
        {
            Segment[] segments = [.. ofType.Select(gradient => gradient.Sent)];
            _pending.Add(Trainers.GroupedAllReduceAsync("embedding gradients", segments, ofType.Key, ReduceOperation.Sum));
        }

        Segment[] marks = [.. _gradients.Where(gradient => gradient.NeedsMarks).Select(gradient => gradient.Marks)];
        if (marks.Length > 0)
        {
            _pending.Add(Trainers.GroupedAllReduceAsync("rows with gradients", marks, ElementType.UInt8, ReduceOperation.Max));
        }

        long bytes = _gradients.Sum(gradient => gradient.SentBytes) + marks.Sum(segment => segment.Count);
        CountTraffic(Trainers.Size > 1 ? bytes : 0, bytes);
    }

    private protected override void EndPush(long step)
    {
        _pending.ForEach(pending => pending.Wait());
        _pending.Clear();
        Array.ForEach(_gradients, gradient => gradient.Apply(step));
    }

    private protected override void Free() => Array.ForEach(_gradients, gradient => gradient.Dispose());

    private void Add(in GradientBlock block)
    {
        var pull = PullOf(block);
        for (int section = 0; section < pull.Sections; section++)
        {
            var keys = pull.Keys(section);
            var tables = pull.Tables(section);
            for (int i = 0; i < tables.Length; i++)
            {
                _gradients[tables[i]].Add(keys, block.Gradients[section][i]);
                if (!keys.IsEmpty)
                {
                    Shard.CountPush(tables[i], keys.Length);
                }
            }
        }
    }
}
