using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Optimizers;
using OpenEmbedding.EmbeddingPs.Tests.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Tables saved on some servers and loaded on others.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const int Dimension = 5;
    private const int Vocabulary = 400;

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public static TheoryData<string> Optimizers => OptimizerCases.Names;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 1)]
    [InlineData(4, 3)]
    public void EveryRowAndSlotIsTheSameOnOtherServers(int servers, int otherServers)
    {
        TableOptions[] tables = [Table(TableKind.Array, new AdamOptions()), Table(TableKind.Hash, new AdagradOptions())];
        var source = Train(servers, tables, steps: 3);
        var again = LoadAndSave(source, otherServers, tables);
        foreach (var table in tables)
        {
            var rows = StoredRowsOf.Table(source, table.Name);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, StoredRowsOf.Table(again, table.Name));
        }
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void EveryRuleKeepsItsSlots(string rule)
    {
        foreach (var type in new[] { ElementType.Float32, ElementType.Float64 })
        {
            TableOptions[] tables = [Table(TableKind.Hash, OptimizerCases.ByName[rule], type)];
            var source = Train(2, tables, steps: 2);
            var rows = StoredRowsOf.Table(source, tables[0].Name);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, StoredRowsOf.Table(LoadAndSave(source, 3, tables), tables[0].Name));
        }
    }

    [Theory]
    [InlineData(TableKind.Array, TableKind.Hash)]
    [InlineData(TableKind.Hash, TableKind.Array)]
    public void AnArrayBecomesAHashTableAndBack(TableKind from, TableKind to)
    {
        var saved = Table(from, new AdamaxOptions()) with { Name = "items" };
        var source = Train(2, [saved], steps: 2);
        var again = LoadAndSave(source, 3, [saved with { Kind = to, Vocabulary = Vocabulary }]);
        Assert.Equal(StoredRowsOf.Table(source, "items"), StoredRowsOf.Table(again, "items"));
    }

    [Fact]
    public void Float32SurvivesAWayThroughFloat64()
    {
        var table = Table(TableKind.Hash, new NadamOptions()) with { Name = "items" };
        var source = Train(2, [table], steps: 2);
        var wide = LoadAndSave(source, 1, [table with { ElementType = ElementType.Float64 }]);
        Assert.Equal(ElementType.Float64, wide.Manifest.Tables[0].ElementType);
        Assert.Equal(StoredRowsOf.Table(source, "items"), StoredRowsOf.Table(LoadAndSave(wide, 2, [table]), "items"));
    }

    [Fact]
    public void AnotherOptimizerKeepsWeightsAndSaysSo()
    {
        var adam = Table(TableKind.Hash, new AdamOptions()) with { Name = "items" };
        var adagrad = adam with { Optimizer = new AdagradOptions { InitialAccumulatorValue = 0.25 } };
        var source = Train(2, [adam], steps: 2);
        Assert.Contains("slots start anew", Assert.Single(source.Check([adagrad]).Notes), StringComparison.Ordinal);
        var rows = StoredRowsOf.Table(LoadAndSave(source, 3, [adagrad]), "items");
        var before = StoredRowsOf.Table(source, "items");
        Assert.Equal(before.Keys, rows.Keys);
        string fresh = string.Concat(Enumerable.Repeat("0000803E", Dimension));
        Assert.All(rows, row => Assert.EndsWith($"/accumulator:{fresh}", row.Value, StringComparison.Ordinal));
        Assert.All(rows, row => Assert.Contains(WeightsOf(row.Value), before[row.Key], StringComparison.Ordinal));
    }

    [Fact]
    public void WeightsAloneAreSavedAndLoaded()
    {
        var adam = Table(TableKind.Hash, new AdamOptions());
        var source = Train(2, [adam], steps: 2);
        var before = StoredRowsOf.Table(source, adam.Name);

        var weights = LoadAndSave(source, 3, [adam], slotsSaved: false);
        Assert.Empty(weights.Manifest.Tables[0].Slots);
        Assert.Equal("Adam", weights.Manifest.Tables[0].Optimizer);
        Assert.Contains("without slots", Assert.Single(weights.Check([adam]).Notes), StringComparison.Ordinal);
        var saved = StoredRowsOf.Table(weights, adam.Name);
        Assert.Equal(before.Keys, saved.Keys);
        Assert.Equal(before.Values.Select(WeightsOf), saved.Values.Select(WeightsOf));
        Assert.All(saved.Values, row => Assert.EndsWith(WeightsOf(row), row, StringComparison.Ordinal));

        var fresh = StoredRowsOf.Table(LoadAndSave(weights, 1, [adam]), adam.Name);
        Assert.Equal(before.Values.Select(WeightsOf), fresh.Values.Select(WeightsOf));
        Assert.Equal(fresh, StoredRowsOf.Table(LoadAndSave(source, 1, [adam], slotsLoaded: false), adam.Name));
        Assert.NotEqual(before, fresh);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(2000)]
    [InlineData(-1)]
    public void AChangedByteIsFound(int place)
    {
        TableOptions[] tables = [Table(TableKind.Hash, new AdamOptions())];
        var source = Train(1, tables, steps: 2);
        string path = source.PathOf(source.Manifest.Servers[0][0]);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[place < 0 ? ^1 : place] ^= 1;
        File.WriteAllBytes(path, bytes);
        AssertRefused(source, tables, path);
    }

    [Fact]
    public void ATruncatedOrMissingSegmentIsNamed()
    {
        TableOptions[] tables = [Table(TableKind.Hash, new AdamOptions())];
        var source = Train(2, tables, steps: 2);
        string path = source.PathOf(source.Manifest.Servers[1][0]);
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        AssertRefused(source, tables, path);
        File.Delete(path);
        AssertRefused(source, tables, path);
    }

    [Theory]
    [InlineData(TableKind.Array)]
    [InlineData(TableKind.Hash)]
    public void BehindADamagedCheckpointAnotherLeavesNoRowOfIt(TableKind kind)
    {
        TableOptions[] tables = [Table(kind, new AdamOptions())];
        var older = Train(2, tables, steps: 1);
        var newer = Train(2, tables, steps: 4);
        string path = newer.PathOf(newer.Manifest.Servers[1][0]);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        // The first server's file is whole, so that rows of it are there when the damage is found.
        using var cluster = new PsCluster(1, 3).CreateTables(tables);
        var store = cluster.Trainers[0];
        string damage = store.Load(new LoadRequest(newer.Check(tables)))!;
        Assert.StartsWith($"Server on rank 1: {path} does not have the checksum", damage, StringComparison.Ordinal);
        var before = CheckpointSource.OpenForReading(_folder).OpenOlder(damage)!;
        Assert.Equal(older.ManifestPath, before.ManifestPath);
        Assert.Equal(damage, Assert.Single(before.Skipped).Problem);
        Assert.Null(store.Load(new LoadRequest(before.Check(tables))));
        var again = Save(store, 1, Path.Combine(_folder, "again"), keep: 1);
        Assert.Equal(StoredRowsOf.Table(older, tables[0].Name), StoredRowsOf.Table(again, tables[0].Name));
        Assert.Null(before.OpenOlder("nothing is left"));
        Assert.Null(newer.OpenOlder("")?.OpenOlder(""));
        Assert.Null(CheckpointSource.OpenForReading(newer.ManifestPath).OpenOlder("a manifest was named"));
    }

    [Fact]
    public void AKeyOutOfRangeIsAnErrorOnlyIfItWasSaved()
    {
        var saved = Table(TableKind.Array, new AdamOptions());
        var source = Train(1, [saved], steps: 1);
        TableOptions[] smaller = [saved with { Vocabulary = 10 }];
        string path = source.PathOf(source.Manifest.Servers[0][0]);
        using (var cluster = new PsCluster(1, 1, mayFail: true).CreateTables(smaller))
        {
            var e = Assert.ThrowsAny<OpenEmbeddingException>(() => cluster.Trainers[0].Load(new LoadRequest(source.Check(smaller))));
            Assert.Contains($"{path}: table {saved.Name} has key ", e.Message, StringComparison.Ordinal);
            Assert.Equal(JobExitCode.Data, e.ExitCode);
        }

        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        AssertRefused(source, smaller, path);
    }

    [Fact]
    public void ADamagedManifestIsNamed()
    {
        var source = Train(1, [Table(TableKind.Hash, new AdamOptions())], steps: 1);
        byte[] bytes = File.ReadAllBytes(source.ManifestPath);
        for (int place = 0; place < bytes.Length - 1; place++)
        {
            byte[] damaged = [.. bytes];
            damaged[place] ^= 1;
            File.WriteAllBytes(source.ManifestPath, damaged);
            var e = Assert.ThrowsAny<OpenEmbeddingException>(() => CheckpointSource.OpenForReading(_folder));
            Assert.Contains(source.ManifestPath, e.Message, StringComparison.Ordinal);
            Assert.Equal(JobExitCode.Data, e.ExitCode);
        }
    }

    [Fact]
    public void AFailedSaveLeavesTheCheckpointBeforeAndTheServers()
    {
        TableOptions[] tables = [Table(TableKind.Hash, new AdamOptions())];
        var source = Train(2, tables, steps: 2);
        using (var cluster = new PsCluster(1, 2).CreateTables(tables))
        {
            var store = cluster.Trainers[0];
            store.Load(new LoadRequest(source.Check(tables)));
            var missing = store.BeginSave(new SaveRequest { Folder = Path.Combine(_folder, "missing"), Step = 9 });
            Assert.Contains("cannot be written", Assert.ThrowsAny<OpenEmbeddingException>(missing.Wait).Message, StringComparison.Ordinal);
            Assert.Equal(StoredRowsOf.Table(source, tables[0].Name).Count, store.GetStatistics().Sum(shard => shard.Rows));
        }

        CheckpointSource.OpenForReading(_folder).Check(tables);
    }

    [Fact]
    public void ASecondSaveOfAStepLeavesTheFirstUntilItIsCommitted()
    {
        TableOptions[] tables = [Table(TableKind.Hash, new AdamOptions())];
        var source = Train(2, tables, steps: 2);
        using (var cluster = new PsCluster(1, 2).CreateTables(tables))
        {
            cluster.Trainers[0].BeginSave(new SaveRequest { Folder = _folder, Step = 2 }).Wait();
        }

        Assert.NotEmpty(StoredRowsOf.Table(LoadAndSave(source, 1, tables), tables[0].Name));
    }

    [Fact]
    public void AnotherDimensionOrAMissingTableIsRefused()
    {
        var table = Table(TableKind.Hash, new AdamOptions());
        var source = Train(1, [table], steps: 1);
        Assert.Contains("rows of 5 weights", Assert.ThrowsAny<OpenEmbeddingException>(() => source.Check([table with { Dimension = 6 }])).Message, StringComparison.Ordinal);
        Assert.Contains("no table other", Assert.ThrowsAny<OpenEmbeddingException>(() => source.Check([table with { Name = "other" }])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OldCheckpointsAndLeftoversAreRemovedAndASecondJobIsRefused()
    {
        TableOptions[] tables = [Table(TableKind.Hash, new AdamOptions())];
        for (int steps = 1; steps <= 3; steps++)
        {
            Train(2, tables, steps, keep: 2);
        }

        Assert.Equal(2, Directory.GetFiles(_folder, "step-*.json").Length);
        Assert.Equal(4, Directory.GetFiles(Path.Combine(_folder, "files")).Length);
        File.WriteAllText(Path.Combine(_folder, "files", "step-000000009.server-0-of-2.safetensors"), "half");
        using var directory = CheckpointDirectory.OpenForWriting(_folder);
        Assert.Equal(4, Directory.GetFiles(Path.Combine(_folder, "files")).Length);
        Assert.Contains("another job", Assert.ThrowsAny<OpenEmbeddingException>(() => CheckpointDirectory.OpenForWriting(_folder)).Message, StringComparison.Ordinal);
    }

    private static TableOptions Table(TableKind kind, OptimizerOptions optimizer, ElementType type = ElementType.Float32) =>
        new() { Name = $"{kind} rows", Kind = kind, Vocabulary = Vocabulary, Dimension = Dimension, ElementType = type, Optimizer = optimizer, Seed = 3 };

    private static string WeightsOf(string row) => row.Split(' ').Single(part => part.Contains("/weights:", StringComparison.Ordinal)).Split(":")[1];

    private static void AssertRefused(CheckpointSource source, TableOptions[] tables, string path)
    {
        using var cluster = new PsCluster(1, 1).CreateTables(tables);
        string? damage = cluster.Trainers[0].Load(new LoadRequest(source.Check(tables)));
        Assert.Contains(path, damage, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", damage, StringComparison.Ordinal);
    }

    // Pinned, because the store takes addresses.
    private static byte[] Gradients(Random random, ElementType type, int count)
    {
        byte[] values = GC.AllocateArray<byte>(count * type.SizeOf(), pinned: true);
        for (int i = 0; i < count; i++)
        {
            if (type == ElementType.Float64)
            {
                MemoryMarshal.Cast<byte, double>(values.AsSpan())[i] = random.NextDouble() - 0.5;
            }
            else
            {
                MemoryMarshal.Cast<byte, float>(values.AsSpan())[i] = random.NextSingle() - 0.5f;
            }
        }

        return values;
    }

    private unsafe CheckpointSource Train(int servers, TableOptions[] tables, int steps, int keep = 10)
    {
        using var cluster = new PsCluster(1, servers).CreateTables(tables);
        var store = cluster.Trainers[0];
        var random = new Random(7);
        for (int step = 0; step < steps; step++)
        {
            var tickets = new List<PullTicket>();
            var blocks = new List<GradientBlock>();
            var gradients = new List<byte[]>();
            for (int table = 0; table < tables.Length; table++)
            {
                var keys = new KeyBatch();
                long[] ids = [.. Enumerable.Range(0, 150).Select(_ => random.NextInt64(Vocabulary))];
                keys.Plan(ids, tables[table].Kind, servers);
                var ticket = store.BeginPull(step, PullMode.Train, [new PullSection(keys, [table])]);
                byte[] values = Gradients(random, tables[table].ElementType, keys.Keys.Length * Dimension);
                tickets.Add(ticket);
                gradients.Add(values);
                fixed (byte* pointer = values) // pinned anyway
                {
                    blocks.Add(new GradientBlock(ticket, [[(nint)pointer]]));
                }
            }

            store.Push(step, blocks);
            GC.KeepAlive(gradients);
            tickets.ForEach(ticket => ticket.Dispose());
        }

        return Save(store, steps, _folder, keep);
    }

    private CheckpointSource LoadAndSave(CheckpointSource source, int servers, TableOptions[] tables, bool slotsLoaded = true, bool slotsSaved = true)
    {
        using var cluster = new PsCluster(1, servers).CreateTables(tables);
        cluster.Trainers[0].Load(new LoadRequest(source.Check(tables), slotsLoaded));
        return Save(cluster.Trainers[0], 1, Path.Combine(_folder, Guid.NewGuid().ToString()), keep: 10, slotsSaved);
    }

    private static CheckpointSource Save(EmbeddingClient store, long step, string folder, int keep, bool slots = true)
    {
        using var directory = CheckpointDirectory.OpenForWriting(folder);
        var saved = store.BeginSave(new SaveRequest { Folder = directory.Folder, Step = step, Slots = slots }).Wait();
        directory.Commit(new CheckpointManifest { Step = step, Tables = saved.Tables, Servers = saved.Servers }, keep);
        return CheckpointSource.OpenForReading(folder);
    }
}
