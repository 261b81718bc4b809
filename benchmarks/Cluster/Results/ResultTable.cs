using System.Globalization;
using System.Text;

namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>The results as a Markdown table that is aligned for reading as text too.</summary>
internal static class ResultTable
{
    private static readonly Contender[] _order = [Contender.Ceiling, Contender.Ps, Contender.AllReduce, Contender.AllGather, Contender.PyTorch];

    /// <summary>Writes the table: thousand samples per second, median ± half the spread, then the ratios.</summary>
    public static string Write(IReadOnlyList<CaseResult> results)
    {
        Contender[] shown = [.. _order.Where(contender => results.Any(result => result.Of(contender) is not null))];
        bool peer = shown.Contains(Contender.PyTorch);
        List<string[]> rows =
        [
            [
                "model", "ranks", "ids", .. shown.Select(NameOf), "ps ÷ baseline", "ceiling ÷ baseline", "ps ÷ ceiling",
                .. peer ? ["ps ÷ PyTorch"] : Array.Empty<string>(),
            ],
        ];
        foreach (CaseResult result in results)
        {
            rows.Add(
            [
                result.Case.Workload.ToString(),
                result.Case.Ranks.ToString(CultureInfo.InvariantCulture),
                Ids(result.Case.Ids),
                .. shown.Select(contender => Speed(result.Of(contender))),
                Ratio(result.PsToBaseline),
                Ratio(result.CeilingToBaseline),
                Ratio(result.PsToCeiling),
                .. peer ? [Ratio(result.PsToPyTorch)] : Array.Empty<string>(),
            ]);
        }

        return Align(rows);
    }

    /// <summary>The name of a contender for people.</summary>
    public static string NameOf(Contender contender) => contender switch
    {
        Contender.PyTorch => "PyTorch gloo",
        Contender.Ps => "ps",
        Contender.AllReduce => "allreduce",
        Contender.AllGather => "allgather",
        _ => "ceiling",
    };

    /// <summary>Ids in short: 5 M, 200 k.</summary>
    public static string Ids(int ids) =>
        ids % 1_000_000 == 0 ? $"{ids / 1_000_000} M" : ids % 1000 == 0 ? $"{ids / 1000} k" : ids.ToString(CultureInfo.InvariantCulture);

    private static string Speed(Runs? runs) => runs switch
    {
        null => "",
        { Median: null } => "failed",
        { SamplesPerSecond.Count: 1 } => Thousands(runs.Median.Value),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Thousands(runs.Median.Value)} ±{runs.Spread!.Value * 50:0} %"),
    };

    private static string Thousands(double speed) => (speed / 1000).ToString(speed < 100_000 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Ratio(double? ratio) => ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

    private static string Align(List<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        for (int i = 0; i < rows.Count; i++)
        {
            // The first column holds words, the others numbers.
            text.Append("| ").AppendJoin(" | ", rows[i].Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).Append(" |\n");
            if (i == 0)
            {
                text.Append("| ").AppendJoin(" | ", widths.Select((width, column) => column == 0 ? new string('-', width) : new string('-', width - 1) + ":")).Append(" |\n");
            }
        }

        return text.ToString();
    }
}
