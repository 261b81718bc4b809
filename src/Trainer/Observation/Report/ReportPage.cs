using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation.Report;

/// <summary>Draws the report: one HTML file that asks for nothing else, without scripts, for light and dark.</summary>
internal sealed class ReportPage
{
    private const int MostTables = 30;
    private const int MostKeys = 20;
    private readonly StringBuilder _html = new();

    private ReportPage()
    {
    }

    /// <summary>Draws everything.</summary>
    /// <returns>The file, in UTF-8.</returns>
    public static byte[] Draw(
        JobOptions job,
        int trainers,
        TrainingResult result,
        IReadOnlyList<CurvePoint> points,
        IReadOnlyList<ScoreReport> scores,
        HotKeys hotKeys,
        IReadOnlyList<PhaseTotal> phases)
    {
        var page = new ReportPage();
        page.Head(job, trainers, result);
        page.Facts(result, points);
        page.Curves(job, points, scores);
        page._html.Append("<div class=\"two\">");
        page.Phases(phases, result.Seconds);
        page.Keys(job, hotKeys);
        page._html.Append("</div><div class=\"two\">");
        page.Tables(scores.Count > 0 ? scores[^1].Tables : []);
        page.Environment(trainers);
        page._html.Append("</div>");
        page._html.Append($"<section><details><summary>Configuration</summary><pre>{Encode(job.ToJson())}</pre></details></section></main></body></html>\n");
        return Encoding.UTF8.GetBytes(page._html.ToString());
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Number(double? value, string format) =>
        value is { } known && double.IsFinite(known) ? known.ToString(format, CultureInfo.InvariantCulture) : "–";

    private static string Style()
    {
        using Stream css = Assembly.GetExecutingAssembly().GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(css);
        return reader.ReadToEnd();
    }

    private void Head(JobOptions job, int trainers, TrainingResult result)
    {
        string title = Encode($"{job.Model.Name}, {job.Embedding.Kind.ToString().ToLowerInvariant()} tables of dimension {job.Embedding.Dimension}");
        string ends = result.Stopped ? "interrupted" : result.StoppedEarly ? "stopped early" : "complete";
        _html.Append($"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{Style()}</style></head><body><main>");
        _html.Append($"<h1>{title}</h1><p class=\"under\">{ends} · {trainers} trainers · strategy {job.Cluster.Strategy.ToString().ToLowerInvariant()} · ");
        _html.Append(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC</p>");
    }

    private void Facts(TrainingResult result, IReadOnlyList<CurvePoint> points)
    {
        double? speed = result.Steady?.SamplesPerSecond ?? (points.Count > 0 ? points[^1].SamplesPerSecond : null);
        (string, string)[] facts =
        [
            (Number(result.Steps, "N0"), "steps"),
            (Number(result.Samples, "N0"), "samples"),
            (Number(result.Seconds, "N1") + " s", "of training"),
            (Number(speed, "N0"), "samples/s, steady"),
            (Number(result.Train?.Logloss, "F5"), "log-loss, epoch"),
            (Number(result.Test?.Logloss, "F5"), "log-loss, test"),
            (Number(result.Test?.Auc, "F5"), "AUC, test"),
        ];
        _html.Append("<div class=\"facts\">").AppendJoin("", facts.Select(fact => $"<div><b>{fact.Item1}</b><span>{fact.Item2}</span></div>")).Append("</div>");
    }

    private void Curves(JobOptions job, IReadOnlyList<CurvePoint> points, IReadOnlyList<ScoreReport> scores)
    {
        IEnumerable<ScoreReport> Of(ScoredRows what) => scores.Where(score => score.What == what);
        _html.Append("<div class=\"two\">");
        _html.Append(new LineChart()
            .Curve("training", points.Select(point => (point.Step, point.Loss)))
            .Curve("test", Of(ScoredRows.Test).Select(score => (score.Step, score.Quality.Logloss))).Draw("Log-loss"));
        _html.Append(new LineChart()
            .Curve("epoch", Of(ScoredRows.Train).Select(score => (score.Step, score.Quality.Auc)))
            .Curve("test", Of(ScoredRows.Test).Select(score => (score.Step, score.Quality.Auc))).Draw("Area under the ROC curve"));
        _html.Append(new LineChart().Curve("all trainers", points.Select(point => (point.Step, (double?)point.SamplesPerSecond))).Draw("Samples per second"));
        _html.Append(new LineChart().Curve("dense", points.Select(point => (point.Step, (double?)(point.RateFactor * job.Optimizer.LearningRate)))).Draw("Learning rate"));
        _html.Append("</div>");
    }

    private void Phases(IReadOnlyList<PhaseTotal> phases, double seconds)
    {
        _html.Append("<section><h2>Where the time of the first trainer went</h2><table><tr><th>part</th><th>phase</th><th class=\"n\">seconds</th><th class=\"n\">times</th><th></th></tr>");
        double longest = Math.Max(phases.Select(phase => phase.Seconds).DefaultIfEmpty().Max(), 1e-9);
        foreach (PhaseTotal phase in phases)
        {
            _html.Append($"<tr><td>{Encode(phase.Lane)}</td><td>{Encode(phase.What)}</td><td class=\"n\">{Number(phase.Seconds, "N2")}</td><td class=\"n\">{Number(phase.Count, "N0")}</td>{Bar(phase.Seconds / longest)}</tr>");
        }

        _html.Append($"</table><p class=\"note\">Threads of their own work beside the trainer: their times overlap its {Number(seconds, "N1")} s. Tests and starts are in them.</p></section>");
    }

    private void Keys(JobOptions job, HotKeys hotKeys)
    {
        _html.Append("<section><h2>Hottest keys</h2><table><tr><th>column</th><th class=\"n\">key</th><th class=\"n\">share</th><th></th></tr>");
        IReadOnlyList<HotKey> top = hotKeys.Top(MostKeys);
        foreach (HotKey key in top)
        {
            double share = key.Count / (double)Math.Max(1, hotKeys.Samples);
            _html.Append($"<tr><td>{Encode(job.Data.Sparse[key.Column].Name)}</td><td class=\"n\">{key.Key}</td><td class=\"n\">{Number(100 * share, "F1")} %</td>{Bar(share)}</tr>");
        }

        _html.Append($"</table><p class=\"note\">Of {Number(hotKeys.Samples, "N0")} samples, some of every step of the first trainer.</p></section>");
    }

    private void Tables(IReadOnlyList<TableStatistics> statistics)
    {
        var tables = statistics.GroupBy(table => table.Name)
            .Select(table => (Name: table.Key, Rows: table.Sum(shard => shard.Rows), Bytes: table.Sum(shard => shard.MemoryBytes)))
            .OrderByDescending(table => table.Bytes).ThenBy(table => table.Name, StringComparer.Ordinal).ToList();
        double largest = Math.Max(tables.Select(table => (double)table.Bytes).DefaultIfEmpty().Max(), 1);
        _html.Append("<section><h2>Tables</h2><table><tr><th>table</th><th class=\"n\">rows</th><th class=\"n\">MB</th><th></th></tr>");
        foreach ((string name, long rows, long bytes) in tables.Take(MostTables))
        {
            _html.Append($"<tr><td>{Encode(name)}</td><td class=\"n\">{Number(rows, "N0")}</td><td class=\"n\">{Number(bytes / 1e6, "N2")}</td>{Bar(bytes / largest)}</tr>");
        }

        string more = tables.Count > MostTables ? $"The largest {MostTables} of {tables.Count}. " : "";
        _html.Append($"</table><p class=\"note\">{more}All: {Number(tables.Sum(table => table.Rows), "N0")} rows, {Number(tables.Sum(table => table.Bytes) / 1e6, "N1")} MB in memory, weights and slots, at the last end of an epoch or test.</p></section>");
    }

    private void Environment(int trainers)
    {
        _html.Append("<section><h2>Environment of the first trainer</h2><table>");
        var facts = new Dictionary<string, string>(TrainCommand.Versions())
        {
            ["host"] = System.Environment.MachineName,
            ["cores"] = System.Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            ["memory"] = Number(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, "N1") + " GB",
            ["trainers"] = trainers.ToString(CultureInfo.InvariantCulture),
        };
        foreach ((string name, string value) in facts)
        {
            _html.Append($"<tr><td>{Encode(name)}</td><td>{Encode(value)}</td></tr>");
        }

        _html.Append("</table></section>");
    }

    private static string Bar(double share) => string.Create(CultureInfo.InvariantCulture, $"<td class=\"bar\"><i style=\"width:{100 * share:F1}%\"></i></td>");
}
