using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Replicas;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Tests.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

/// <summary>Rows on their way to samples, and gradients on their way back, of columns of different dimensions.</summary>
public sealed class StepPlanTests
{
    private const int Embedding = 1;
    private const int Dimension = 4;
    private const double Rate = 0.5;

    private static readonly string[] _options =
    [
        "--data=rows.csv", "--data.dense=[]", $"--embedding.dimension={Dimension}", "--data.vocabulary=6", "--model.l2_embedding=0", "--model.l2_linear=0", "--model=WDL",
        "--data.sparse=[\"wide\", {\"name\": \"narrow\", \"dimension\": 2}, {\"name\": \"one\", \"dimension\": 1}]", "--optimizer.name=sgd", $"--optimizer.learning_rate={Rate}",
    ];

    // Sample by sample; most rows of a column come twice.
    private static readonly long[] _ids = [5, 3, 0, 2, 1, 0, 5, 3, 4, 0, 1, 4];
    private static readonly int[] _dimensions = [Dimension, 2, 1];

    [Fact]
    public void Narrow_rows_have_zeros_behind_them_and_take_their_part_of_a_gradient()
    {
        using var communication = Communication.Start();
        TableLayout layout = TableLayout.Create(ConfigurationFolder.LoadArguments(_options));
        using var store = new AllReduceStore(communication.World);
        store.CreateTables(layout.Tables);
        Assert.Equal(_dimensions, layout.DimensionsOfColumns);
        float[][][] before = [.. Enumerable.Range(0, _dimensions.Length).Select(column => RowsOf(store, layout, column, step: 0))];

        var batch = new Batch();
        int samples = _ids.Length / _dimensions.Length;
        batch.Clear(samples, 0, _dimensions.Length);
        batch.Rows = samples;
        _ids.CopyTo(batch.Ids, 0);
        using var plan = new StepPlan(layout, store.Shards, batch, HostMemory.Aligned);
        using var team = new WorkerTeam(1, "plans");
        plan.PlanKeys(team);
        plan.BeginPull(store, step: 0, PullMode.Train);
        float[] linear = new float[_ids.Length];
        plan.CopyRows<float>(0, 0, linear);
        float[] laidOut = new float[_ids.Length * Dimension];
        plan.CopyRows<float>(Embedding, 0, laidOut);
        float[] gradients = [.. Enumerable.Range(1, laidOut.Length).Select(i => (float)i)];
        plan.ReduceGradients<float>(0, 0, linear);
        plan.ReduceGradients<float>(Embedding, 0, gradients);
        plan.Push(store, step: 0);

        for (int i = 0; i < _ids.Length; i++)
        {
            int column = i % _dimensions.Length;
            float[] expected = [.. before[column][_ids[i]], .. new float[Dimension - _dimensions[column]]];
            Assert.Equal(expected, laidOut[(i * Dimension)..((i + 1) * Dimension)]);
        }

        for (int i = 0; i < _ids.Length; i++)
        {
            int column = i % _dimensions.Length;
            for (int weight = 0; weight < _dimensions[column]; weight++)
            {
                before[column][_ids[i]][weight] -= (float)Rate * gradients[(i * Dimension) + weight];
            }
        }

        for (int column = 0; column < _dimensions.Length; column++)
        {
            float[][] after = RowsOf(store, layout, column, step: 1);
            Assert.All(before[column].SelectMany(row => row).Zip(after.SelectMany(row => row)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    // As an evaluation of every key reads them.
    private static float[][] RowsOf(IEmbeddingStore store, TableLayout layout, int column, long step)
    {
        var keys = new KeyBatch();
        keys.Plan([0, 1, 2, 3, 4, 5], TableKind.Array, store.Shards);
        int table = layout.Sections[column][Embedding];
        using PullTicket ticket = store.BeginPull(step, PullMode.Evaluate, [new PullSection(keys, [table])]);
        float[] rows = new float[6 * _dimensions[column]];
        ticket.Wait();
        unsafe
        {
            fixed (float* pointer = rows) // in place while the ticket copies into it
            {
                ticket.CopyRows(0, 0, (nint)pointer);
            }
        }

        return [.. Enumerable.Range(0, 6).Select(key => rows[((int)keys.Positions[key] * _dimensions[column])..][.._dimensions[column]])];
    }
}
