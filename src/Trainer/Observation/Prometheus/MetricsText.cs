using System.Globalization;
using System.Text;

namespace OpenEmbedding.Trainer.Observation.Prometheus;

/// <summary>Writes metrics in Prometheus' text form.</summary>
/// <remarks>
/// <code>
/// family = "# HELP " name " " text "\n# TYPE " name " " ("counter" | "gauge" | "histogram") "\n" sample*
/// sample = name [ "{" label "=" quoted "}" ] " " value "\n"
/// </code>
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
/// </remarks>
internal sealed class MetricsText
{
    private readonly StringBuilder _text = new();

    /// <summary>A metric with one value; null writes none.</summary>
    public MetricsText Add(string name, string type, string help, double? value) =>
        Add(name, type, help, "", value is { } number ? [("", number)] : []);

    /// <summary>A metric with a value for each label; none writes none.</summary>
    public MetricsText Add(string name, string type, string help, string label, IReadOnlyCollection<(string Label, double Value)> values)
    {
        if (values.Count == 0)
        {
            return this;
        }

        Head(name, type, help);
        foreach ((string of, double value) in values)
        {
            Sample(name, label, of, value);
        }

        return this;
    }

    /// <summary>A histogram.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">What it counts.</param>
    /// <param name="bounds">Upper bounds of the buckets, rising.</param>
    /// <param name="counts">Values in each bucket, [bounds + 1], the last above all bounds.</param>
    /// <param name="sum">The sum of all values.</param>
    public MetricsText Histogram(string name, string help, ReadOnlySpan<double> bounds, ReadOnlySpan<long> counts, double sum)
    {
        Head(name, "histogram", help);
        long upTo = 0;
        for (int bucket = 0; bucket < counts.Length; bucket++)
        {
            upTo += counts[bucket];
            Sample(name + "_bucket", "le", bucket < bounds.Length ? Number(bounds[bucket]) : "+Inf", upTo);
        }

        Sample(name + "_sum", "", "", sum);
        Sample(name + "_count", "", "", upTo);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Quote(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private void Head(string name, string type, string help) => _text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private void Sample(string name, string label, string of, double value) =>
        _text.Append(name).Append(label.Length > 0 ? $"{{{label}=\"{Quote(of)}\"}}" : "").Append(' ').Append(Number(value)).Append('\n');
}
