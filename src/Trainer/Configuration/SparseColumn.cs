using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>A column with categories; in JSON also just its name.</summary>
[ShortForm("name", "the name of a column")]
public sealed record SparseColumn
{
    /// <summary>The column's name in the files.</summary>
    [MinLength(1)]
    public required string Name { get; init; }

    /// <summary>
    /// The most categories of a field; further ones are left out. From 2 on the column is multi-hot: a field has any number of categories, also none, and their embeddings
    /// become one by <c>combiner</c>.
    /// </summary>
    [Range(1, 4096)]
    public int MaxLength { get; init; } = 1;

    /// <summary>What becomes of the embeddings of a field's categories; a field without any has zeros.</summary>
    public Combiner Combiner { get; init; } = Combiner.Mean;

    /// <summary>What stands between the categories of a multi-hot field in text.</summary>
    [MinLength(1)]
    public string Separator { get; init; } = "|";

    /// <summary>The column whose rows this one uses, with which it shares keys and vocabulary; left out, it has rows of its own.</summary>
    [MinLength(1)]
    public string? Table { get; init; }

    /// <summary>
    /// The weights of an embedding of this column, at most <c>embedding.dimension</c>, to which a trained matrix brings them; left out, <c>embedding.dimension</c>. For array tables.
    /// </summary>
    [Range(1, 4096)]
    public int? Dimension { get; init; }

    /// <summary>The category that an empty field stands for, a decimal integer or text; left out, an empty field is a category of its own, and a multi-hot one has none.</summary>
    [MinLength(1)]
    public string? Default { get; init; }

    /// <summary>Whether a field may have several categories.</summary>
    internal bool IsMultiHot => MaxLength > 1;

    /// <summary>A column of one category in each field, with rows of its own.</summary>
    public static implicit operator SparseColumn(string name) => new() { Name = name };
}

/// <summary>How the embeddings of several categories become one, as in TensorFlow's <c>embedding_lookup_sparse</c>.</summary>
public enum Combiner
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their sum divided by their number.</summary>
    Mean,

    /// <summary>Their sum divided by the square root of their number.</summary>
    Sqrtn,
}
