using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

public sealed class BatchPipelineTests : IDisposable
{
    private const int BatchSize = 7;
    private const int Rows = 100;
    private const int BadRow = 38;

    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-").FullName;
    private readonly Communication _communication = Communication.Start();

    public void Dispose()
    {
        _communication.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 4)]
    public void Batches_come_in_the_order_of_one_reader(int readers, int prefetch)
    {
        JobOptions job = Job("--data.on_bad_row=skip");
        List<string> expected = [];
        using (var reader = new BatchReader(job.Data, job.Data.Train, trainer: 1, trainers: 2, BatchSize, DenseScale.None))
        {
            var batch = new Batch();
            while (reader.Read(batch))
            {
                expected.Add(Describe(batch));
            }
        }

        List<string> actual = [];
        using BatchPipeline batches = Open(job, readers, prefetch);
        for (StepPlan plan = batches.Next(); plan != batches.Empty; plan = batches.Next())
        {
            actual.Add(Describe(plan.Batch));
            batches.Return(plan);
        }

        Assert.Equal(Rows / BatchSize / 2, expected.Count);
        Assert.Equal(expected, actual);
        Assert.Same(batches.Empty, batches.Next());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_bad_row_ends_it_behind_the_batches_before(int readers)
    {
        using BatchPipeline batches = Open(Job(), readers, prefetch: 5);

        // Rows 8 to 14 and 22 to 28 are whole; the bad one is among the rows 36 to 42.
        for (int i = 0; i < 2; i++)
        {
            StepPlan plan = batches.Next();
            Assert.Equal(BatchSize, plan.Batch.Rows);
            batches.Return(plan);
        }

        var failure = Assert.Throws<OpenEmbeddingException>(batches.Next);
        Assert.Contains($"rows.csv:{BadRow + 1}: column I1", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void It_may_be_left_before_the_end(int readers)
    {
        using BatchPipeline batches = Open(Job("--data.on_bad_row=skip"), readers, prefetch: 1);
        batches.Return(batches.Next());
    }

    private static string Describe(Batch batch) =>
        $"{batch.Rows} {batch.BadRows} {string.Join(',', batch.Labels.Take(batch.Rows))} {string.Join(',', batch.Ids.Take(batch.Rows * batch.SparseSlots))}";

    private BatchPipeline Open(JobOptions job, int readers, int prefetch) => new(
        [.. Enumerable.Range(0, readers).Select(reader => new BatchReader(
            job.Data, job.Data.Train, trainer: (reader * 2) + 1, trainers: readers * 2, BatchSize, DenseScale.None))],
        TableLayout.Create(job),
        shards: 2,
        prefetch,
        HostMemory.Aligned,
        threads: readers,
        _communication.TimelineLane);

    private JobOptions Job(params string[] more)
    {
        string path = Path.Combine(_folder, "rows.csv");
        File.WriteAllLines(
            path,
            Enumerable.Range(1, Rows).Select(row => $"{row % 2},{(row == BadRow ? "many" : row)},{row % 5:x8},{row:x8}").Prepend("label,I1,C1,C2"));
        return JobOptions.Read(
            null, [.. new[] { $"--data.train={path}", "--data.dense=I1", "--data.sparse=C1,C2" }.Concat(more).Select(Override)]);

        static ConfigurationOverride Override(string text) => new(text[2..text.IndexOf('=')], text[(text.IndexOf('=') + 1)..]);
    }
}
