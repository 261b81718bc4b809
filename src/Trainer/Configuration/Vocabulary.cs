namespace OpenEmbedding.Trainer.Configuration;

/// <summary>How many keys the sparse columns have: one number for all of them, or one for each.</summary>
public sealed class Vocabulary
{
    /// <summary>The most keys of a column.</summary>
    public const long Largest = 1L << 62;

    private readonly long[] _sizes;

    /// <summary>The same number of keys for every column.</summary>
    /// <param name="size">1 to <see cref="Largest"/>.</param>
    public Vocabulary(long size)
        : this([size])
    {
        IsPerColumn = false;
    }

    /// <summary>A number of keys for each column.</summary>
    /// <param name="sizes">As many as there are sparse columns, each 1 to <see cref="Largest"/>.</param>
    public Vocabulary(IReadOnlyList<long> sizes)
    {
        foreach (long size in sizes)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Largest);
        }

        _sizes = [.. sizes];
        IsPerColumn = true;
    }

    /// <summary>Whether every column has a number of its own.</summary>
    public bool IsPerColumn { get; }

    /// <summary>The numbers as they were given: one, or one for each column.</summary>
    public IReadOnlyList<long> Sizes => _sizes;

    /// <summary>The number of keys of a column.</summary>
    /// <param name="column">Its place among the sparse columns, from 0.</param>
    public long Of(int column) => IsPerColumn ? _sizes[column] : _sizes[0];

    /// <summary>The number that holds for every column.</summary>
    public static implicit operator Vocabulary(long size) => new(size);
}
