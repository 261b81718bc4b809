using System.Globalization;
using System.Text;

namespace OpenEmbedding.Trainer.Observation.Report;

/// <summary>A chart of curves over steps as SVG.</summary>
internal sealed class LineChart
{
    private const double Width = 640;
    private const double Height = 240;
    private const double Left = 58;
    private const double Right = 14;
    private const double Top = 12;
    private const double Bottom = 30;
    private const int Ticks = 4;
    private readonly List<(string Name, List<(long Step, double Value)> Points)> _curves = [];

    /// <summary>Adds a curve; without points it is left out.</summary>
    public LineChart Curve(string name, IEnumerable<(long Step, double? Value)> points)
    {
        List<(long, double)> known = [.. points.Where(point => point.Value is { } value && double.IsFinite(value)).Select(point => (point.Step, point.Value!.Value))];
        if (known.Count > 0)
        {
            _curves.Add((name, known));
        }

        return this;
    }

    /// <summary>The chart with its title and the names of its curves; a line that says so where there is no point.</summary>
    public string Draw(string title)
    {
        if (_curves.Count == 0)
        {
            return $"<figure><figcaption>{title}</figcaption><p class=\"none\">no points</p></figure>";
        }

        var all = _curves.SelectMany(curve => curve.Points).ToList();
        (double low, double high, double unit) = Scale(all.Min(point => point.Value), all.Max(point => point.Value));
        long last = Math.Max(1, all.Max(point => point.Step));
        double X(double step) => Left + (step / last * (Width - Left - Right));
        double Y(double value) => Top + ((high - value) / (high - low) * (Height - Top - Bottom));

        var svg = new StringBuilder();
        svg.Append($"<figure><figcaption>{title}<span>");
        svg.AppendJoin("", _curves.Select((curve, i) => $"<b class=\"c{i}\">{curve.Name}</b>"));
        svg.Append($"</span></figcaption><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{title}\">");
        for (int i = 0; low + (i * unit) <= high + (unit / 2); i++)
        {
            double value = low + (i * unit);
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {Y(value):F1}H{Width - Right}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{Y(value) + 4:F1}\" text-anchor=\"end\">{Label(value, unit)}</text>");
        }

        foreach (long step in Enumerable.Range(0, Ticks + 1).Select(i => last * i / Ticks).Distinct())
        {
            string anchor = step == last ? "end" : step == 0 ? "start" : "middle";
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(step):F1}\" y=\"{Height - 8}\" text-anchor=\"{anchor}\">{(step == 0 ? "step 0" : step.ToString("N0", CultureInfo.InvariantCulture))}</text>");
        }

        for (int i = 0; i < _curves.Count; i++)
        {
            svg.Append($"<polyline class=\"c{i}\" points=\"");
            svg.AppendJoin(' ', _curves[i].Points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.Step):F1},{Y(point.Value):F1}")));
            svg.Append("\"/>");
            foreach ((long step, double value) in _curves[i].Points)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"c{i}{(_curves[i].Points.Count > 60 ? " many" : "")}\" cx=\"{X(step):F1}\" cy=\"{Y(value):F1}\" r=\"3.2\"><title>{_curves[i].Name}, step {step:N0}: {value:G6}</title></circle>");
            }
        }

        return svg.Append("</svg></figure>").ToString();
    }

    /// <summary>Round bounds around the values, and the distance of the lines between them.</summary>
    private static (double Low, double High, double Unit) Scale(double smallest, double largest)
    {
        double range = largest > smallest ? Math.Max(largest - smallest, Math.Abs(largest) * 1e-3) : Math.Max(Math.Abs(largest), 1e-9);
        double power = Math.Pow(10, Math.Floor(Math.Log10(range / Ticks)));
        double unit = power * new[] { 1, 2, 5, 10 }.First(step => step * power * Ticks >= range * 0.999);
        double low = Math.Floor(smallest / unit) * unit;
        double high = Math.Ceiling(largest / unit) * unit;
        return (low, high > low ? high : low + unit, unit);
    }

    private static string Label(double value, double unit) => unit >= 1000
        ? (value / 1000).ToString("#,0.#", CultureInfo.InvariantCulture) + " k"
        : value.ToString("F" + Math.Clamp((int)Math.Ceiling(-Math.Log10(unit) - 1e-9), 0, 9), CultureInfo.InvariantCulture);
}
