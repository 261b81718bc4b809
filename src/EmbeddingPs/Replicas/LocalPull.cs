using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>The keys and tables of a pull, apart from the plans that they came from; reused.</summary>
internal sealed class LocalPull
{
    private int[] _keyEnds = [];
    private int[] _tableEnds = [];
    private long[] _keys = [];
    private int[] _tables = [];

    /// <summary>The number of sections.</summary>
    public int Sections { get; private set; }

    /// <summary>The number of tables of all sections.</summary>
    public int TableCount => Sections == 0 ? 0 : _tableEnds[Sections - 1];

    /// <summary>The number of keys of all sections.</summary>
    public int KeyCount => Sections == 0 ? 0 : _keyEnds[Sections - 1];

    /// <summary>The keys of all sections, one after the other.</summary>
    public ReadOnlySpan<long> AllKeys => _keys.AsSpan(0, KeyCount);

    /// <summary>Copies sections.</summary>
    public void Take(IReadOnlyList<PullSection> sections)
    {
        MakeRoom(sections);
        Sections = sections.Count;
        int key = 0;
        int table = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            var (keys, tables) = sections[i];
            keys.Keys.CopyTo(_keys.AsSpan(key));
            tables.CopyTo(_tables.AsSpan(table));
            key += keys.Count;
            table += tables.Length;
            _keyEnds[i] = key;
            _tableEnds[i] = table;
        }
    }

    /// <summary>The keys of a section.</summary>
    public ReadOnlySpan<long> Keys(int section)
    {
        int start = section == 0 ? 0 : _keyEnds[section - 1];
        return _keys.AsSpan(start, _keyEnds[section] - start);
    }

    /// <summary>The number of the first table of a section among those of all.</summary>
    public int FirstTable(int section) => section == 0 ? 0 : _tableEnds[section - 1];

    /// <summary>The tables of a section.</summary>
    public ReadOnlySpan<int> Tables(int section) => _tables.AsSpan(FirstTable(section), _tableEnds[section] - FirstTable(section));

    private void MakeRoom(IReadOnlyList<PullSection> sections)
    {
        int keys = 0;
        int tables = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            keys = checked(keys + sections[i].Keys.Count);
            tables += sections[i].Tables.Length;
        }

        if (_keys.Length < keys)
        {
            _keys = new long[Math.Max(keys, (int)Math.Min(Array.MaxLength, 2L * _keys.Length))];
        }

        if (_tables.Length < tables)
        {
            _tables = new int[tables];
        }

        if (_keyEnds.Length < sections.Count)
        {
            _keyEnds = new int[sections.Count];
            _tableEnds = new int[sections.Count];
        }
    }
}
