using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>
/// Gives the categories of each column the numbers from 0, in the order of their raw values, an empty field first; the last number of a column is for all categories that are rare or
/// were not there.
/// </summary>
/// <remarks>
/// Columns that share rows share numbers. What was read decides alone, not by how many threads. Memory: some 30 bytes for each category. Source of the order: scikit-learn's
/// LabelEncoder, which sorts; of Criteo's texts of 8 digits that is the order of the numbers.
/// </remarks>
internal sealed class CategoryEncoding
{
    private readonly SparseSlots _slots;
    private readonly int[] _owners;

    // By the column that owns the numbers: how often each category was seen, and later its number.
    private readonly Dictionary<long, long>[] _numbers;
    private readonly long[] _others;

    public CategoryEncoding(DataOptions options)
    {
        _slots = new SparseSlots(options.Sparse);
        _owners = [.. Enumerable.Range(0, _slots.Columns).Select(_slots.OwnerOf)];
        _numbers = [.. _owners.Select(_ => new Dictionary<long, long>())];
        _others = new long[_owners.Length];
    }

    /// <summary>Keys of each column, for <c>data.vocabulary</c>; once <see cref="Number"/> was called.</summary>
    public IReadOnlyList<long> Vocabulary => [.. _owners.Select(owner => _others[owner] + 1)];

    /// <summary>Counts the categories of rows.</summary>
    public void Count(RowChunk chunk) => Parallel.ForEach(_owners.Distinct(), owner =>
    {
        Dictionary<long, long> counts = _numbers[owner];
        int[] slots = [.. Enumerable.Range(0, _slots.Count).Where(slot => _owners[_slots.ColumnOf(slot)] == owner)];
        for (int row = 0; row < chunk.Rows; row++)
        {
            ReadOnlySpan<long> categories = chunk.SparseOf(row);
            foreach (int slot in slots)
            {
                if (!IsUnused(slot, categories[slot]))
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(counts, categories[slot], out _)++;
                }
            }
        }
    });

    /// <summary>Numbers the categories that were seen often enough.</summary>
    /// <param name="fewest">How often, at least 1.</param>
    public void Number(long fewest) => Parallel.ForEach(_owners.Distinct(), owner =>
    {
        long[] kept = [.. _numbers[owner].Where(category => category.Value >= fewest).Select(category => category.Key).Order()];
        _numbers[owner] = new Dictionary<long, long>(kept.Length);
        for (int number = 0; number < kept.Length; number++)
        {
            _numbers[owner].Add(kept[number], number);
        }

        _others[owner] = kept.Length;
    });

    /// <summary>Puts numbers in the place of categories.</summary>
    public void Encode(RowChunk chunk) => Parallel.For(0, _slots.Count, slot =>
    {
        int owner = _owners[_slots.ColumnOf(slot)];
        Dictionary<long, long> numbers = _numbers[owner];
        for (int row = 0; row < chunk.Rows; row++)
        {
            ref long category = ref chunk.SparseOf(row)[slot];
            if (!IsUnused(slot, category))
            {
                category = numbers.GetValueOrDefault(category, _others[owner]);
            }
        }
    });

    private bool IsUnused(int slot, long category) => category == SparseSlots.Empty && _slots.WidthOf(_slots.ColumnOf(slot)) > 1;
}
