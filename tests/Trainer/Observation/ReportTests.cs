using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Observation;
using OpenEmbedding.Trainer.Observation.Report;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Observation;

public sealed class ReportTests
{
    [Fact]
    public void The_page_stands_alone_and_takes_names_as_text()
    {
        JobOptions job = JobOptions.Read(null, [new("data.train", "a"), new("data.sparse", "<b>,y")]);
        var keys = new HotKeys(new SparseSlots(["C1", "C2"]));
        keys.Add([7, 1, 7, 2]);
        var score = new ScoreReport(4, 1, ScoredRows.Test, new Quality(9, 0.5, 0.75), [], [new TableStatistics { Name = "embedding/<b>", Rows = 1234, MemoryBytes = 2_500_000 }]);

        string page = Encoding.UTF8.GetString(ReportPage.Draw(
            job, 2, Result(), [new(2, 0.6, 1500, 1), new(4, null, double.NaN, 1)], [score], keys, [new PhaseTotal("trainer", "forward", 4, 1.5)]));

        Assert.DoesNotMatch("<script|https?:|url\\(|@import|src=|href=", page);
        Assert.Contains("<td>&lt;b&gt;</td><td class=\"n\">7</td><td class=\"n\">100.0 %</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>embedding/&lt;b&gt;</td><td class=\"n\">1,234</td><td class=\"n\">2.50</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>forward</td><td class=\"n\">1.50</td>", page, StringComparison.Ordinal);
        Assert.Contains("log-loss, test", page, StringComparison.Ordinal);
        Assert.Equal(4, Regex.Count(page, "<svg "));
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_without_a_step_has_a_page()
    {
        string page = Encoding.UTF8.GetString(ReportPage.Draw(JobOptions.Read(null, [new("data.train", "a")]), 1, Result(), [], [], new HotKeys(new SparseSlots(new DataOptions { Train = new DataFiles { Files = ["a"] } }.Sparse)), []));
        Assert.Equal(4, Regex.Count(page, "no points"));
    }

    [Fact]
    public void Charts_are_well_formed_and_all_points_are_inside() =>
        Gen.Select(Gen.Int[1, 100000], Gen.Double[-1e6, 1e6]).List[1, 40].Sample(points =>
        {
            XElement figure = XElement.Parse(new LineChart().Curve("a", points.OrderBy(point => point.Item1).Select(point => ((long)point.Item1, (double?)point.Item2))).Draw("title"));
            Assert.All(figure.Descendants("circle"), circle =>
            {
                Assert.InRange((double)circle.Attribute("cx")!, 58, 626);
                Assert.InRange((double)circle.Attribute("cy")!, 12, 210);
            });
            Assert.Equal(points.Count, figure.Descendants("circle").Count());
            Assert.InRange(figure.Descendants("path").Count(), 2, 7);
        });

    [Fact]
    public void Frequent_keys_are_found_in_bounded_memory()
    {
        var keys = new HotKeys(new SparseSlots(["C1"]), capacity: 50);
        for (int i = 0; i < 3000; i++)
        {
            keys.Add([i % 3 == 0 ? 7 : 1000 + i]);
        }

        HotKey first = keys.Top(1)[0];
        Assert.Equal(7, first.Key);

        // Misra and Gries: too low by at most the samples divided by the capacity.
        Assert.InRange(first.Count, 1000 - (3000 / 50), 1000);
        Assert.Equal(3000, keys.Samples);
    }

    private static TrainingResult Result() => new(80, 0, 4, 2.5, null, null, new Quality(9, 0.5, 0.75), 0, false, false);
}
