namespace OpenEmbedding.Trainer.Data;

/// <summary>
/// Categories of generated data that follow Zipf's law: the k-th most frequent of a column comes in proportion to about k^−exponent. They are
/// the numbers from 0 to below the column's vocabulary, and no field is empty.
/// </summary>
public sealed record ZipfCategories
{
    /// <summary>The exponent of Criteo's large columns.</summary>
    public const double DefaultExponent = 1.05;

    /// <summary>The fewest ids of all columns together.</summary>
    public const int FewestIds = CriteoShape.FewestCategories;

    /// <summary>Deals ids to the 26 columns in the proportions of Criteo's, so that some are very large and most are small.</summary>
    /// <param name="ids">Ids of all columns together, at least <see cref="FewestIds"/>.</param>
    /// <param name="exponent">The exponent, at least 0; 0 makes all ids equally frequent.</param>
    public ZipfCategories(int ids, double exponent = DefaultExponent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(exponent);
        Vocabulary = CriteoShape.Deal(ids);
        Exponent = exponent;
    }

    /// <summary>Ids of each column, as <c>data.vocabulary</c> takes them.</summary>
    public IReadOnlyList<int> Vocabulary { get; }

    /// <summary>The exponent.</summary>
    public double Exponent { get; }

    internal IReadOnlyList<CriteoShape.SparseColumn> Columns() =>
        [.. Vocabulary.Select(ids => CriteoShape.SparseColumn.Zipf(ids, Exponent))];
}
