using System.Text;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Observation;
using OpenEmbedding.Trainer.Observation.TensorBoard;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Observation;

public sealed class TensorBoardTests
{
    [Fact]
    public void The_checksum_is_that_of_the_standard() =>

        // RFC 3720, B.4: the checksum of 32 zeros is 8a9136aa, here masked.
        Assert.Equal(unchecked(((0x8a9136aau >> 15) | (0x8a9136aau << 17)) + 0xa282ead8), EventReader.Checksum(new byte[32]));

    [Fact]
    public void Steps_become_curves_and_scores_become_values()
    {
        JobOptions job = JobOptions.Read(
            null, [new("data.train", "a"), new("output.curve_every", "2"), new("optimizer.learning_rate", "0.5"), new("embedding.optimizer", "{\"name\": \"SGD\", \"learning_rate\": 0.25}")]);
        var stream = new MemoryStream();
        using (var observer = new TensorBoardObserver(new EventFile(stream, TimeProvider.System), job))
        {
            for (int step = 1; step <= 5; step++)
            {
                // Losses 0.1, 0.2, … of ten samples a step, known one step later; two seconds a step.
                int known = step - 1;
                observer.StepEnded(new StepReport(step, 1, step * 10, known * (known + 1) / 2 * 1.0, known * 10, 0.5, step * 2, 7, default));
            }

            observer.Scored(new ScoreReport(
                5, 1, ScoredRows.Test, new Quality(30, 0.4, null), [new TableNorms("embedding/C1", [0, 1, 3, double.NaN]), new TableNorms("embedding/C2", [])], []));
        }

        List<EventReader.Value> values = EventReader.Read(stream.ToArray());

        Assert.Equal([3L, 5L], values.Where(value => value.Tag == "train/logloss").Select(value => value.Step));
        Assert.Equal([0.15, 0.35], values.Where(value => value.Tag == "train/logloss").Select(value => value.Scalar!.Value), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.All(values.Where(value => value.Tag == "speed/samples_per_second"), value => Assert.Equal(5, value.Scalar));
        Assert.All(values.Where(value => value.Tag == "learning_rate/dense"), value => Assert.Equal(0.25, value.Scalar));
        Assert.All(values.Where(value => value.Tag == "learning_rate/rows"), value => Assert.Equal(0.125, value.Scalar));
        Assert.Equal(0.4, Assert.Single(values, value => value.Tag == "test/logloss").Scalar!.Value, 1e-6);
        Assert.DoesNotContain(values, value => value.Tag is "test/auc" or "row_norms/embedding/C2");
        AssertHistogram(Assert.Single(values, value => value.Tag == "row_norms/embedding/C1").Histogram);
    }

    [Fact]
    public void A_change_of_any_bit_is_found()
    {
        var stream = new MemoryStream();
        using (var file = new EventFile(stream, TimeProvider.System))
        {
            file.Add(1, new EventValues().Scalar("loss", 0.5));
        }

        byte[] bytes = stream.ToArray();
        int second = EventReader.Records(bytes)[0].Length + 16;
        for (int at = second + 12; at < bytes.Length; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= 4;
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => EventReader.Records(changed));
        }
    }

    [Fact]
    public void Files_of_a_folder_do_not_replace_each_other()
    {
        string folder = Directory.CreateTempSubdirectory("events").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "events.out.tfevents.1.other"), "kept");
            EventFile.Create(Path.Combine(folder), TimeProvider.System).Dispose();

            Assert.Equal(2, Directory.GetFiles(folder, "events.out.tfevents.*").Length);
            Assert.Equal("kept", File.ReadAllText(Path.Combine(folder, "events.out.tfevents.1.other"), Encoding.UTF8));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void AssertHistogram(IReadOnlyDictionary<int, double[]> histogram)
    {
        Assert.Equal([0, 3, 3, 4, 10], Enumerable.Range(1, 5).Select(field => histogram[field][0]));
        Assert.Equal([1, 1, 1], histogram[7]);
        Assert.Equal(histogram[6].Order(), histogram[6]);
        Assert.InRange(histogram[6][1], 1, 1.1);
        Assert.InRange(histogram[6][2], 3, 3.3);
    }
}
