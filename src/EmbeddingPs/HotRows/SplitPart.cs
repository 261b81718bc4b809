using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The tables of one section that share a key space, and which of the section's keys are replicated; reused.</summary>
internal sealed class SplitPart
{
    private readonly KeyBatch _some = new();
    private int[] _coldPlaces = [];
    private int[] _hotPlaces = [];
    private long[] _slots = [];
    private int _hotCount;
    private int _coldCount;

    /// <summary>The key space.</summary>
    public int Space { get; private set; }

    /// <summary>The tables.</summary>
    public int[] Tables { get; private set; } = [];

    /// <summary>The keys that travel, all of them or some.</summary>
    public KeyBatch Cold { get; private set; } = null!;

    /// <summary>The section among those that travel, −1 if none of the keys does.</summary>
    public int ColdSection { get; set; }

    /// <summary>Whether all keys are replicated, and each is its own slot.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The slots of the keys that are replicated.</summary>
    public ReadOnlySpan<long> Slots => _slots.AsSpan(0, _hotCount);

    /// <summary>The places of those keys in the section; none if the space is whole.</summary>
    public ReadOnlySpan<int> HotPlaces => _hotPlaces.AsSpan(0, IsWhole ? 0 : _hotCount);

    /// <summary>The places of the other keys.</summary>
    public ReadOnlySpan<int> ColdPlaces => _coldPlaces.AsSpan(0, _coldCount);

    /// <summary>Whether some keys travel and others do not.</summary>
    public bool IsMixed => _hotCount > 0 && _coldCount > 0;

    /// <summary>Takes the tables of a space out of those of a section.</summary>
    public void TakeTables(int space, ReadOnlySpan<int> tables, KeySpaces spaces)
    {
        Space = space;
        int count = 0;
        bool same = true;
        foreach (int table in tables)
        {
            if (spaces.Of(table) == space)
            {
                same &= count < Tables.Length && Tables[count] == table;
                count++;
            }
        }

        if (!same || count != Tables.Length)
        {
            Tables = [.. tables.ToArray().Where(table => spaces.Of(table) == space)];
        }
    }

    /// <summary>Leaves all keys to the trainers.</summary>
    public void KeepAll(KeyBatch keys)
    {
        IsWhole = true;
        MakeRoom(keys.Count);
        keys.Keys.CopyTo(_slots);
        _hotCount = keys.Count;
        _coldCount = 0;
    }

    /// <summary>Parts hot keys from the others.</summary>
    public void Split(KeyBatch keys, HotKeySet hot)
    {
        IsWhole = false;
        MakeRoom(keys.Count);
        _hotCount = 0;
        _coldCount = 0;
        var all = keys.Keys;
        int first = hot.First(Space);
        bool any = hot.CountOf(Space) > 0;
        for (int i = 0; i < all.Length; i++)
        {
            int place = any ? hot.Find(Space, all[i]) : -1;
            if (place < 0)
            {
                _coldPlaces[_coldCount++] = i;
            }
            else
            {
                _hotPlaces[_hotCount] = i;
                _slots[_hotCount++] = place - first;
            }
        }

        Cold = keys;
        if (IsMixed)
        {
            _some.Select(keys, ColdPlaces);
            Cold = _some;
        }
    }

    private void MakeRoom(int keys)
    {
        if (_slots.Length < keys)
        {
            int room = Math.Max(keys, 2 * _slots.Length);
            _slots = new long[room];
            _hotPlaces = new int[room];
            _coldPlaces = new int[room];
        }
    }
}
