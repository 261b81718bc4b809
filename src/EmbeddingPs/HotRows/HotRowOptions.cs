namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>Which rows the trainers hold themselves, each a replica, while the servers hold the others.</summary>
public sealed record HotRowOptions
{
    /// <summary>Array tables of at most so many keys stay on the trainers whole; default 0: none.</summary>
    public long SparseAsDenseSize { get; init; }

    /// <summary>
    /// The most keys of all other tables together that stay on the trainers because nearly every batch has them; tables of one
    /// <see cref="Tables.TableOptions.KeySpace"/> count a key once; default 0: none.
    /// </summary>
    public int HotRows { get; init; }

    /// <summary>Steps from one choice of the hot keys to the next, at least 1.</summary>
    internal int Period { get; init; } = 128;

    /// <summary>Whether any row may stay on the trainers.</summary>
    public bool IsOn => SparseAsDenseSize > 0 || HotRows > 0;
}
