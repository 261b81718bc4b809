using System.Diagnostics.CodeAnalysis;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Growth;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Which keys get a row, where the table's growth is bounded.</content>
internal sealed unsafe partial class HashTable
{
    // The most that the index takes for a key, rounded up.
    private const int IndexBytesPerRow = 23;

    private readonly GrowthOptions? _growth;
    private readonly Candidates? _candidates;
    private readonly long _rowLimit = long.MaxValue;

    internal override long CandidateCount => _candidates?.Count ?? 0;

    internal override (long[] Keys, int[] Counts) ExportCandidates() => _candidates?.Export() ?? ([], []);

    internal override void ImportCandidates(ReadOnlySpan<long> keys, ReadOnlySpan<int> counts)
    {
        if (_candidates is null)
        {
            return;
        }

        _candidates.Reserve((keys.Length / Shards) + (keys.Length / 32));
        for (int i = 0; i < keys.Length; i++)
        {
            if (Owns(keys[i]) && FindOne(keys[i]) < 0)
            {
                _candidates.Import(keys[i], counts[i]);
            }
        }
    }

    /// <summary>Gives rows to keys without one that the step at hand trains, if they were trained often enough.</summary>
    /// <param name="keys">The keys of one source of gradients.</param>
    /// <param name="rows">Their rows, −1 where there was none; receives the new ones.</param>
    internal void Admit(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int start = 0; start < keys.Length; start += Group)
        {
            var group = keys.Slice(start, Math.Min(Group, keys.Length - start));
            var found = rows.Slice(start, group.Length);
            for (int i = 0; i < group.Length; i++)
            {
                if (found[i] < 0)
                {
                    Prefetch.Line(_index.HomeOf(group[i]));
                    _candidates?.Ask(group[i]);
                }
            }

            for (int i = 0; i < group.Length; i++)
            {
                if (found[i] < 0)
                {
                    found[i] = FindOrAdmit(group[i]);
                }
            }
        }
    }

    /// <summary>Ends the step at hand, when no source of gradients is left: rows that are too old, too small or too many go if it is time.</summary>
    internal void EndStep()
    {
        _candidates?.EndStep();
        if (HasAges && Now % _growth!.SweepEverySteps == 0)
        {
            Sweep(_growth);
        }
    }

    /// <summary>Copies the weights of keys; one without a row reads as its initial value.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="rows">Their rows, −1 where there is none.</param>
    /// <param name="destination">[keys, Dimension] in the format.</param>
    /// <param name="format">A format of the table's element type.</param>
    internal void Gather(ReadOnlySpan<long> keys, ReadOnlySpan<long> rows, nint destination, WireFormat format)
    {
        Span<long> present = stackalloc long[Group];
        byte* initial = stackalloc byte[WeightBytes];
        nint sentBytes = Options.Dimension * format.SentBytes;
        for (int start = 0; start < keys.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, keys.Length - start));
            int any = group.IndexOfAnyExcept(-1);
            if (any >= 0)
            {
                // All in one go; what stands in the place of a missing row is overwritten.
                group.Replace(present, -1, group[any]);
                Gather(present[..group.Length], destination, format);
            }

            for (int i = group.IndexOf(-1); i >= 0 && i < group.Length; i++)
            {
                if (group[i] < 0)
                {
                    Initializer.Fill(keys[start + i], (nint)initial, Options.Dimension);
                    format.Write((nint)initial, destination + (i * sentBytes), Options.Dimension);
                }
            }

            destination += group.Length * sentBytes;
        }
    }

    private long FindRowLimit(GrowthOptions growth)
    {
        long byBytes = growth.MaxMb is { } mb ? ((long)mb << 20) / (StoredBytes + IndexBytesPerRow) : long.MaxValue;
        long limit = Math.Max(1, Math.Min(growth.MaxRows ?? long.MaxValue, byBytes));
        return limit == long.MaxValue ? limit : GrowthOptions.ShareOf(limit, Shards);
    }

    private long FindOne(long key) => _index.Find(key, _index.HomeOf(key));

    private long FindOrAdmit(long key)
    {
        // Another source of the same step may have brought it.
        long row = FindOne(key);
        if (row >= 0 || _candidates?.Train(key) == false)
        {
            return row;
        }

        RowsAdmitted++;
        return Add(key);
    }

    [DoesNotReturn]
    private void ThrowFull()
    {
        string limit = _growth!.MaxRows is { } rows && GrowthOptions.ShareOf(rows, Shards) == _rowLimit ? $"max_rows = {rows}" : $"max_mb = {_growth.MaxMb}";
        throw new OpenEmbeddingException(
            $"Table {Options.Name}: shard {Shard} of {Shards} is full with {RowCount} rows, its share of {limit}; "
            + "raise the limit, or let rows go: when_full = \"evict\", max_idle_steps, min_norm.",
            JobExitCode.Configuration);
    }
}
