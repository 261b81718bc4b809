using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>What the job reports and leaves behind.</summary>
public sealed record OutputOptions
{
    /// <summary>A file for one JSON object with the results of the job; left out, none is written.</summary>
    [MinLength(1)]
    public string? Summary { get; init; }

    /// <summary>Steps at the start of training that the summary's <c>steady</c> speed leaves out, because they warm up compiler, memory and files.</summary>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long SteadyAfter { get; init; } = 10;

    /// <summary>A file for all weights in safetensors form; left out, none is written.</summary>
    [MinLength(1)]
    public string? Weights { get; init; }

    /// <summary>A folder for the trained model without optimizer state, in the form of a checkpoint; left out, none is written.</summary>
    [MinLength(1)]
    public string? Model { get; init; }

    /// <summary>
    /// A folder that the job makes for the trained model, from columns to probability, as ONNX and as a SavedModel of TensorFlow; left out, none is written.
    /// </summary>
    [MinLength(1)]
    public string? Export { get; init; }

    /// <summary>
    /// A folder that the job makes for the dense part of the trained model, for servers that take rows from shards of <c>output.model</c>; left out, none is written.
    /// </summary>
    [MinLength(1)]
    public string? ExportDense { get; init; }

    /// <summary>A file for the probability of each test row after the last epoch, a line each in the order of the rows; left out, none is written.</summary>
    [MinLength(1)]
    public string? Predictions { get; init; }

    /// <summary>A file for a report of the job, one HTML page that a browser shows: curves, speed, tables, hottest keys, phases; left out, none is written.</summary>
    [MinLength(1)]
    public string? Report { get; init; }

    /// <summary>A folder for the curves of the job as an event file of TensorBoard; left out, none is written.</summary>
    [MinLength(1)]
    public string? Tensorboard { get; init; }

    /// <summary>A port on which the first trainer answers Prometheus' questions at <c>/metrics</c> while the job runs, 0 for a free one; left out, none.</summary>
    [Range(0, 65535)]
    public int? MetricsPort { get; init; }

    /// <summary>The address for <c>output.metrics_port</c>; 0.0.0.0 answers other machines too.</summary>
    [MinLength(1)]
    public string MetricsHost { get; init; } = "127.0.0.1";

    /// <summary>Steps between two points of the curves.</summary>
    [Range(1, 1000000)]
    public int CurveEvery { get; init; } = 20;

    /// <summary>How progress is shown, from one rank only.</summary>
    public ProgressStyle Progress { get; init; } = ProgressStyle.Auto;
}

/// <summary>How progress is shown.</summary>
public enum ProgressStyle
{
    /// <summary>A bar on a terminal, else lines.</summary>
    Auto,

    /// <summary>A bar.</summary>
    Bar,

    /// <summary>One line each <c>train.log_every</c> steps.</summary>
    Lines,

    /// <summary>Nothing but errors.</summary>
    None,
}
