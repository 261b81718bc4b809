using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>Which steps a pull sees. Weights start at 0 and the rule is w −= g, so that a weight tells what was applied.</summary>
public class StepTests
{
    private static readonly TableOptions _table = new()
    {
        Name = "clicks",
        Kind = TableKind.Hash,
        Dimension = 2,
        Initializer = new ConstantOptions(),
        Optimizer = new SgdOptions { LearningRate = 1 },
    };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void APullIsAnsweredOnceItsBoundOfStalenessIsApplied(int staleness)
    {
        using var cluster = new PsCluster(trainers: 2, servers: 1, staleness).CreateTables(_table);
        var (ahead, behind) = (cluster.Trainers[0], cluster.Trainers[1]);
        var keys = ahead.Plan(_table.Kind, 7);

        // One trainer pushes as far as it may; the other has pushed nothing, so nothing is applied.
        for (int step = 0; step <= staleness; step++)
        {
            ahead.Train(step, _table, 1, 7);
        }

        using var parked = ahead.Begin(staleness + 1, PullMode.Train, 0, keys);
        using var later = ahead.Begin(staleness + 2, PullMode.Train, 0, keys);
        behind.Train(0, _table, 10, 7);
        Assert.Equal([-11, -11], parked.Rows(keys, 2));
        AssertStillParked(ahead, later);
        behind.Train(1, _table, 10, 7);
        ahead.PushAll(staleness + 1, parked, 1, 2);
        Assert.Equal([-22, -22], staleness == 0 ? later.Rows(keys, 2) : ahead.Evaluate(2, _table, 7));
        for (int step = 2; step <= staleness + 1; step++)
        {
            behind.Push(step, []);
        }
    }

    [Fact]
    public void AnEvaluationWaitsForAllStepsBeforeItEvenIfTrainingMayBeStale()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 2, staleness: 4).CreateTables(_table);
        var trainer = cluster.Trainers[0];
        trainer.Train(0, _table, 1, 7, 8);
        var keys = trainer.Plan(_table.Kind, 8, 7, 8);
        using var evaluation = trainer.Begin(1, PullMode.Evaluate, 0, keys);
        AssertStillParked(trainer, evaluation);
        cluster.Trainers[1].Push(0, []);
        Assert.Equal([-1, -1, -1, -1, -1, -1], evaluation.Rows(keys, 2));
    }

    [Fact]
    public void ParkedPullsAreAnsweredInTheOrderInWhichTheyCame()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 1).CreateTables(_table);
        var trainer = cluster.Trainers[0];
        var keys = trainer.Plan(_table.Kind, 7);
        trainer.Push(0, []);
        var pulls = Enumerable.Range(0, 5).Select(_ => trainer.Begin(1, PullMode.Train, 0, keys)).ToArray();
        cluster.Trainers[1].Push(0, []);
        pulls[^1].Wait();
        Assert.All(pulls, pull => Assert.True(pull.IsCompleted));
        Array.ForEach(pulls, pull => pull.Dispose());
    }

    [Fact]
    public void EvaluationStoresNothing()
    {
        var table = _table with { Initializer = new RandomNormalOptions() };
        using var cluster = new PsCluster(trainers: 1, servers: 2).CreateTables(table);
        var store = cluster.Trainers[0];
        float[] first = store.Evaluate(0, table, 1, 2, 3);
        Assert.All(store.GetStatistics(), statistics => Assert.Equal(0, statistics.Rows));
        Assert.Equal(first, store.Evaluate(0, table, 1, 2, 3));

        // The row that training makes starts with the value that was read.
        var keys = store.Plan(table.Kind, 1, 2, 3);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        Assert.Equal(first, ticket.Rows(keys, 2));
        Assert.Equal(3, store.GetStatistics().Sum(statistics => statistics.Rows));
    }

    [Fact]
    public void ATicketLeftOutOfItsPushIsForgotten()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1).CreateTables(_table);
        var store = cluster.Trainers[0];
        var keys = store.Plan(_table.Kind, 7);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        ticket.Wait();
        store.Push(0, []);
        Assert.Equal([0, 0], store.Evaluate(1, _table, 7));
        Assert.Throws<ArgumentException>(() => store.PushAll(1, ticket, 1, 2));
    }

    [Fact]
    public void AnAbandonedPullDisturbsNobody()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 2).CreateTables(_table);
        var store = cluster.Trainers[0];
        store.Begin(1, PullMode.Train, 0, store.Plan(_table.Kind, 1, 2, 3)).Dispose();
        store.Begin(0, PullMode.Train, 0, store.Plan(_table.Kind, 4)).Dispose();
        store.Train(0, _table, 1, 7);
        store.Train(1, _table, 1, 7);
        Assert.Equal([-2, -2], store.Evaluate(2, _table, 7));

        // The answer of this one never comes: its step is not reached before the goodbye.
        store.Begin(9, PullMode.Train, 0, store.Plan(_table.Kind, 5)).Dispose();
    }

    [Fact]
    public void ThreadsThatWaitReceiveForEachOther()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 2).CreateTables(_table);
        var store = cluster.Trainers[0];
        using var started = new Barrier(2);
        var errors = PsCluster.Together(2, thread =>
        {
            // Each thread pulls every second step, and begins before the other has pushed the step before.
            for (int step = thread; step < 200; step += 2)
            {
                var keys = store.Plan(_table.Kind, 7, 8);
                using var ticket = store.Begin(step, PullMode.Train, 0, keys);
                if (step < 2)
                {
                    started.SignalAndWait();
                }

                Assert.Equal([-step, -step, -step, -step], ticket.Rows(keys, 2));
                store.PushAll(step, ticket, 1, 4);
            }
        });
        Assert.All(errors, Assert.Null);
    }

    // Requests are handled in the order in which they come: once a later one is answered, the earlier one is parked or was answered before.
    private static void AssertStillParked(EmbeddingClient client, PullTicket ticket)
    {
        client.Evaluate(0, _table, 1);
        Assert.False(ticket.IsCompleted);
    }
}
