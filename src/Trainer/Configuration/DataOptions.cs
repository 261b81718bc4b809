using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Which rows the job reads, and how their fields become labels, dense values and ids.</summary>
public sealed record DataOptions
{
    /// <summary>The rows to train on; a path is taken from the working directory.</summary>
    public required DataFiles Train { get; init; }

    /// <summary>The rows to test on after each epoch; without it nothing is tested.</summary>
    public DataFiles? Test { get; init; }

    /// <summary>The form of all files.</summary>
    public DataFormat Format { get; init; } = DataFormat.Auto;

    /// <summary>The names of all columns of CSV files that have no header, in their order; left out, the first line of each file is a header.</summary>
    [MinLength(1)]
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>The character between the fields of CSV, or <c>tab</c>; left out, the comma, semicolon, bar or tab that the first line has.</summary>
    [MinLength(1)]
    public string? Delimiter { get; init; }

    /// <summary>The column that holds the label, 0 or 1.</summary>
    [MinLength(1)]
    public string Label { get; init; } = "label";

    /// <summary>The columns with numbers.</summary>
    public IReadOnlyList<string> Dense { get; init; } = [.. Enumerable.Range(1, 13).Select(i => $"I{i}")];

    /// <summary>The numbers that empty fields stand for, before scaling, one for each column of <c>data.dense</c>; left out, 0.</summary>
    public IReadOnlyList<double>? DenseDefaults { get; init; }

    /// <summary>The columns with categories, each with embeddings of its own unless it says otherwise.</summary>
    [MinLength(1)]
    public IReadOnlyList<SparseColumn> Sparse { get; init; } = [.. Enumerable.Range(1, 26).Select(i => $"C{i}")];

    /// <summary>How a category becomes the key of a row; left out, <c>modulo</c> for array tables and <c>hash</c> for hash tables.</summary>
    public SparseIds SparseIds { get; init; } = SparseIds.Modulo;

    /// <summary>Keys per sparse column with <c>modulo</c>: one number for all, or a list with one for each.</summary>
    public Vocabulary Vocabulary { get; init; } = 65536;

    /// <summary>How dense values are scaled.</summary>
    public DenseScaling DenseScale { get; init; } = DenseScaling.MinMax;

    /// <summary>What happens at a row that cannot be read.</summary>
    public BadRowRule OnBadRow { get; init; } = BadRowRule.Stop;

    /// <summary>
    /// Training rows that are shuffled together, in another order each epoch; 0: none are, and they come as in the files. Which rows a step has does not depend on the
    /// number of trainers. The memory is that of these rows divided by the trainers.
    /// </summary>
    [Range(0, 16777216)]
    public int ShuffleBuffer { get; init; }

    /// <summary>The same seed gives the same order.</summary>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long ShuffleSeed { get; init; } = 1024;

    /// <summary>How rows are dealt to the trainers.</summary>
    public ShardRule Shard { get; init; } = ShardRule.Rows;

    /// <summary>What an empty field of each dense column stands for.</summary>
    internal float[] MissingDense => DenseDefaults is { } given ? [.. given.Select(value => (float)value)] : new float[Dense.Count];
}

/// <summary>The form of a data file.</summary>
public enum DataFormat
{
    /// <summary>
    /// By the endings of the files, a <c>.gz</c> left aside: <c>.csv</c>, <c>.tfrecord</c> or <c>.tfrecords</c>, <c>.libsvm</c> or <c>.svm</c>, <c>.libffm</c> or
    /// <c>.ffm</c>, <c>.parquet</c>; all else is Criteo's own. All files have one form.
    /// </summary>
    Auto,

    /// <summary>Criteo's tab-separated form: label, I1 to I13, C1 to C26 in hexadecimal, no header.</summary>
    Criteo,

    /// <summary>Delimited text with a header, or names in <c>data.columns</c>.</summary>
    Csv,

    /// <summary>TensorFlow's records of <c>tf.Example</c>, whose features are the columns.</summary>
    [Named("tfrecord")]
    TfRecord,

    /// <summary>Sparse rows of LIBSVM, <c>LABEL INDEX:VALUE …</c>; columns are named by INDEX.</summary>
    Libsvm,

    /// <summary>Sparse rows of LIBFFM, <c>LABEL FIELD:FEATURE:VALUE …</c>; columns are named by FIELD.</summary>
    Libffm,

    /// <summary>Parquet, whose columns are found by name.</summary>
    Parquet,
}

/// <summary>How the category of a sparse column becomes the key of a row.</summary>
public enum SparseIds
{
    /// <summary>The value modulo the vocabulary, in tables of each column's own.</summary>
    Modulo,

    /// <summary>(value + column · 1000000007) mod 2^63, in one table of all columns; they count from 1 in the order of <c>data.sparse</c>.</summary>
    Hash,
}

/// <summary>How dense values are scaled.</summary>
public enum DenseScaling
{
    /// <summary>To [0, 1] by the smallest and largest value of the column among the training rows; test values beyond them are cut.</summary>
    [Named("minmax")]
    MinMax,

    /// <summary>To ln(1 + x) for x ≥ 0, else −ln(1 − x).</summary>
    Log,

    /// <summary>By the fixed offsets and ranges of Criteo's 1 TB set; it needs that set's 13 dense columns.</summary>
    [Named("criteo1tb")]
    Criteo1Tb,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>What happens at a row that cannot be read.</summary>
public enum BadRowRule
{
    /// <summary>The job stops and names file and line.</summary>
    Stop,

    /// <summary>The row is left out and counted.</summary>
    Skip,
}

/// <summary>How rows are dealt to the trainers.</summary>
public enum ShardRule
{
    /// <summary>The global batch of a step is the same rows for any number of trainers.</summary>
    Rows,

    /// <summary>File i goes to trainer i modulo the number of trainers.</summary>
    Files,
}
