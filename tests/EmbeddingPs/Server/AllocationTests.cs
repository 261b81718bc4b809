using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>Tests that count what the whole process allocates run when no other test does.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    [Theory]
    [InlineData(null, KeyEncoding.None)]
    [InlineData(ElementType.BFloat16, KeyEncoding.Lz4)]
    public void AStepAllocatesLittleHoweverLargeItIs(ElementType? type, KeyEncoding encoding)
    {
        const int Dimension = 8;
        var table = new TableOptions { Name = "table", Vocabulary = 1 << 16, Dimension = Dimension };
        var wire = new WireOptions { Pull = type, Push = type, Keys = encoding };
        using var cluster = new PsCluster(trainers: 1, servers: 2, wire: wire).CreateTables(table);
        var store = cluster.Trainers[0];
        long[] ids = [.. Enumerable.Range(0, 5000).Select(i => (long)i * 13)];
        var keys = new KeyBatch();
        using var rows = new NativeArray<float>(ids.Length * Dimension);
        int[] tables = [0];
        nint[][] gradients = [[rows.Address]];
        var sections = new PullSection[1];
        var blocks = new GradientBlock[1];

        long Allocated(long first, long last)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (long step = first; step < last; step++)
            {
                keys.Plan(ids, TableKind.Array, store.Shards);
                sections[0] = new PullSection(keys, tables);
                using var ticket = store.BeginPull(step, PullMode.Train, sections);
                ticket.CopyRows(0, 0, rows.Address);
                blocks[0] = new GradientBlock(ticket, gradients);
                store.Push(step, blocks);
            }

            return (GC.GetTotalAllocatedBytes(precise: true) - before) / (last - first);
        }

        // A step moves 40 kB of keys and 160 kB of rows; what it allocates are the handles of five messages and a ticket.
        Allocated(0, 20);
        Assert.InRange(Enumerable.Range(1, 5).Min(round => Allocated(20 * round, 20 * (round + 1))), 0, 4096);
    }
}
