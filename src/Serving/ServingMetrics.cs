using System.Collections.Concurrent;
using System.Diagnostics;
using Prometheus;

namespace OpenEmbedding.Serving;

/// <summary>What <c>/metrics</c> tells of each model, in the form of Prometheus.</summary>
internal sealed class ServingMetrics
{
    private readonly ConcurrentDictionary<string, RecentTimes> _recent = new();
    private readonly Histogram _seconds;
    private readonly Histogram _batchRows;
    private readonly Counter _rows;
    private readonly Counter _errors;

    public ServingMetrics(CollectorRegistry registry)
    {
        MetricFactory factory = Metrics.WithCustomRegistry(registry);
        _seconds = factory.CreateHistogram("oe_request_seconds", "Time of requests for predictions, those that failed too.", ["model"], new HistogramConfiguration
        {
            Buckets = Histogram.ExponentialBuckets(0.0001, 2, 17),
        });
        _batchRows = factory.CreateHistogram("oe_batch_rows", "Rows that were computed together.", new HistogramConfiguration
        {
            Buckets = Histogram.ExponentialBuckets(1, 2, 15),
        });
        _rows = factory.CreateCounter("oe_rows_total", "Rows predicted.", ["model"]);
        _errors = factory.CreateCounter("oe_errors_total", "Requests answered with an error.", ["status"]);
    }

    /// <summary>Times a request for predictions until it is disposed of.</summary>
    public IDisposable Time(string model) => new Timer(_seconds.WithLabels(model), RecentTimesOf(model));

    /// <summary>How long the model's last requests took.</summary>
    public RecentTimes RecentTimesOf(string model) => _recent.GetOrAdd(model, _ => new RecentTimes());

    public void Count(string model, int rows) => _rows.WithLabels(model).Inc(rows);

    public void CountBatch(int rows) => _batchRows.Observe(rows);

    public void CountError(int status) => _errors.WithLabels(status.ToString(System.Globalization.CultureInfo.InvariantCulture)).Inc();

    private sealed class Timer(Histogram.Child histogram, RecentTimes recent) : IDisposable
    {
        private readonly long _started = Stopwatch.GetTimestamp();

        public void Dispose()
        {
            double seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
            histogram.Observe(seconds);
            recent.Add(seconds);
        }
    }
}
