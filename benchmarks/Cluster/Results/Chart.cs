using System.Globalization;
using ScottPlot;
using ScottPlot.MultiplotLayouts;
using SkiaSharp;

namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>
/// A picture with a panel for each workload: over the ranks, a bar for the better strategy without servers beside one for ps, and a line where
/// the ceiling is.
/// </summary>
internal static class Chart
{
    private const int PanelWidth = 520;
    private const int PanelHeight = 400;
    private const int MostColumns = 3;
    private const double BarWidth = 0.36;
    private const double Headroom = 1.35;
    private static readonly string[] _fonts = ["Liberation Sans", "Noto Sans", "DejaVu Sans", "Arial"];
    private static readonly Color _baseline = Color.FromHex("#B8BEC7");
    private static readonly Color _ps = Color.FromHex("#1F6FB4");
    private static readonly Color _peer = Color.FromHex("#E08A3C");
    private static readonly Color _ceiling = Color.FromHex("#22262B");

    /// <summary>Writes the picture as PNG.</summary>
    /// <param name="path">The file.</param>
    /// <param name="results">What there is to show.</param>
    public static void Write(string path, IReadOnlyList<CaseResult> results)
    {
        IGrouping<Workload, CaseResult>[] workloads = [.. results.GroupBy(result => result.Case.Workload)];
        int columns = Math.Min(MostColumns, workloads.Length);
        int rows = (workloads.Length + columns - 1) / columns;
        var panels = new Multiplot { Layout = new Grid(rows, columns) };
        panels.AddPlots(workloads.Length);
        for (int i = 0; i < workloads.Length; i++)
        {
            Draw(panels.GetPlot(i), workloads[i].Key, [.. workloads[i].OrderBy(result => result.Case.Ranks)], isLeft: i % columns == 0);
        }

        Image image = panels.Render(columns * PanelWidth, rows * PanelHeight);
        File.WriteAllBytes(path, image.GetImageBytes(ImageFormat.Png));
    }

    private static void Draw(Plot plot, Workload workload, CaseResult[] results, bool isLeft)
    {
        plot.Font.Set(_fonts.FirstOrDefault(SKFontManager.Default.FontFamilies.Contains) ?? Fonts.Default);
        plot.Title(workload.ToString(), 18);
        bool hasPeer = results.Any(result => result.Median(Contender.PyTorch) is not null);
        double offset = hasPeer ? BarWidth * 0.7 : BarWidth / 2;
        double width = hasPeer ? BarWidth * 0.7 : BarWidth;
        double highest = 0;
        for (int place = 0; place < results.Length; place++)
        {
            CaseResult result = results[place];
            AddBar(plot, place - offset, width, result.Baseline, _baseline, null);
            AddBar(plot, hasPeer ? place : place + offset, width, result.Median(Contender.Ps), _ps, result.PsToBaseline);
            if (hasPeer)
            {
                AddBar(plot, place + offset, width, result.Median(Contender.PyTorch), _peer, null);
            }

            AddCeiling(plot, place, result.Median(Contender.Ceiling));
            highest = new[] { highest, result.Baseline ?? 0, result.Median(Contender.Ps) ?? 0, result.Median(Contender.Ceiling) ?? 0 }.Max();
        }

        plot.Axes.SetLimits(-0.6, results.Length - 0.4, 0, highest > 0 ? highest / 1000 * Headroom : 1);
        plot.Axes.Bottom.SetTicks(
            [.. Enumerable.Range(0, results.Length).Select(i => (double)i)],
            [.. results.Select(result => result.Case.Ranks.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        plot.Axes.Left.TickLabelStyle.FontSize = 13;
        plot.XLabel("ranks", 14);
        if (isLeft)
        {
            plot.YLabel("thousand samples/s", 14);
        }

        plot.Axes.Right.IsVisible = false;
        plot.Axes.Top.IsVisible = false;
        plot.Grid.XAxisStyle.IsVisible = false;
        AddLegend(plot, hasPeer);
    }

    private static void AddBar(Plot plot, double position, double width, double? speed, Color color, double? ratio)
    {
        if (speed is not { } value)
        {
            return;
        }

        plot.Add.Bar(new Bar { Position = position, Value = value / 1000, Size = width, FillColor = color, LineWidth = 0 });
        string label = (value / 1000).ToString(value < 10_000 ? "0.0" : "0", CultureInfo.InvariantCulture);
        if (ratio is not null)
        {
            label += "\n" + ratio.Value.ToString("0.0", CultureInfo.InvariantCulture) + "×";
        }

        // On white, because the line of the ceiling may pass behind it.
        var text = plot.Add.Text(label, position, value / 1000);
        text.LabelFontSize = 12;
        text.LabelBold = ratio is not null;
        text.LabelAlignment = Alignment.LowerCenter;
        text.LabelFontColor = ratio is not null ? _ps : Colors.Black;
        text.LabelBackgroundColor = Colors.White.WithAlpha(0.75);
        text.OffsetY = -2;
    }

    private static void AddCeiling(Plot plot, double position, double? speed)
    {
        if (speed is { } value)
        {
            var line = plot.Add.Line(position - 0.45, value / 1000, position + 0.45, value / 1000);
            line.LineColor = _ceiling;
            line.LineWidth = 2;
            line.LinePattern = LinePattern.Dotted;
            line.MarkerSize = 0;
        }
    }

    private static void AddLegend(Plot plot, bool hasPeer)
    {
        List<LegendItem> items =
        [
            new() { LabelText = "all-reduce only", FillColor = _baseline },
            new() { LabelText = "with OpenEmbedding", FillColor = _ps },
            .. hasPeer ? new[] { new LegendItem { LabelText = "PyTorch gloo", FillColor = _peer } } : [],
            new() { LabelText = "dense part alone", LineColor = _ceiling, LineWidth = 2, LinePattern = LinePattern.Dotted },
        ];
        plot.ShowLegend(items, Alignment.UpperCenter);
        plot.Legend.Orientation = Orientation.Horizontal;
        plot.Legend.FontSize = 12;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.BackgroundColor = Colors.White;
    }
}
