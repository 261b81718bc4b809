namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Rows that go, and how old rows are.</content>
public abstract unsafe partial class EmbeddingTable
{
    /// <summary>Steps trained before the first one of this job: the age of rows counts from the start of training.</summary>
    internal long StepsBefore { get; set; }

    /// <summary>Rows that went; while it stays, so does the meaning of every row handle.</summary>
    internal long RowsRemoved { get; private set; }

    /// <summary>Of the rows that went, those that a sweep found too old, too small or too many.</summary>
    internal long RowsEvicted { get; private protected set; }

    /// <summary>Rows that keys got because they were trained often enough.</summary>
    internal long RowsAdmitted { get; private protected set; }

    /// <summary>Keys that were trained, but not often enough for a row.</summary>
    internal virtual long CandidateCount => 0;

    /// <summary>The step at hand, counted from the start of training.</summary>
    private protected long Now => StepsBefore + Step;

    /// <summary>Whether rows keep the step of their last update.</summary>
    private protected bool HasAges { get; }

    /// <summary>Where a row keeps the step of its last update, in the place of an element; if <see cref="HasAges"/>.</summary>
    private protected int LastStepOffset { get; }

    /// <summary>Forgets the rows of keys; a key without a row is passed over. Row handles of these keys are void.</summary>
    /// <param name="keys">Global keys, all of this shard.</param>
    internal void Remove(ReadOnlySpan<long> keys)
    {
        Span<long> rows = stackalloc long[Group];
        Span<long> found = stackalloc long[Group];
        while (!keys.IsEmpty)
        {
            var group = keys[..Math.Min(Group, keys.Length)];
            keys = keys[group.Length..];
            Find(group, rows);
            int count = 0;
            for (int i = 0; i < group.Length; i++)
            {
                if (rows[i] >= 0)
                {
                    found[count] = group[i];
                    rows[count++] = rows[i];
                }
            }

            BeforeChange(rows[..count]);
            _changes?.AddRemoved(found[..count]);
            for (int i = 0; i < count; i++)
            {
                if (Forget(found[i], rows[i]))
                {
                    RowCount--;
                    RowsRemoved++;
                }
            }
        }
    }

    /// <summary>The keys that were trained but have no row yet, and how many steps trained each.</summary>
    internal virtual (long[] Keys, int[] Counts) ExportCandidates() => ([], []);

    /// <summary>Takes what <see cref="ExportCandidates"/> of any number of shards gave; keys of other shards and keys with a row are passed over.</summary>
    /// <param name="keys">Global keys.</param>
    /// <param name="counts">[keys].</param>
    internal virtual void ImportCandidates(ReadOnlySpan<long> keys, ReadOnlySpan<int> counts)
    {
    }

    /// <summary>Takes one row away; a key that comes twice has none the second time.</summary>
    /// <returns>Whether it was there.</returns>
    private protected abstract bool Forget(long key, long row);

    private void Stamp(ReadOnlySpan<nint> rows)
    {
        int step = (int)Math.Min(Now, int.MaxValue);
        foreach (nint row in rows)
        {
            *(int*)(row + LastStepOffset) = step;
        }
    }
}
