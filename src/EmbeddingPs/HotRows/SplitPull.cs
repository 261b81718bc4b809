using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The keys of a pull, and which of them travel; reused.</summary>
internal sealed unsafe class SplitPull : IDisposable
{
    private readonly List<KeyBatch> _keys = [];
    private readonly List<int[]> _tables = [];
    private readonly List<SplitPart> _parts = [];
    private readonly List<PullSection> _cold = [];
    private int[] _firstParts = [0];
    private nint[][] _coldGradients = [];
    private nint _memory;
    private long _memoryBytes;

    /// <summary>The number of sections as they were asked for.</summary>
    public int Sections { get; private set; }

    /// <summary>The sections that travel.</summary>
    public IReadOnlyList<PullSection> Cold => _cold;

    /// <summary>The number of parts of all sections, once they are split.</summary>
    public int PartCount { get; private set; }

    /// <summary>The tables of a section.</summary>
    public int[] Tables(int section) => _tables[section];

    /// <summary>The number of keys of a section.</summary>
    public int KeyCount(int section) => _keys[section].Count;

    /// <summary>A part by number.</summary>
    public SplitPart Part(int part) => _parts[part];

    /// <summary>Copies sections, so that the plans they came from may change.</summary>
    public void Take(IReadOnlyList<PullSection> sections)
    {
        Sections = sections.Count;
        _tables.Clear();
        for (int i = 0; i < sections.Count; i++)
        {
            if (i == _keys.Count)
            {
                _keys.Add(new KeyBatch());
            }

            _keys[i].CopyKeys(sections[i].Keys);
            _tables.Add(sections[i].Tables);
        }
    }

    /// <summary>Decides which keys travel.</summary>
    public void Split(KeySpaces spaces, HotKeySet hot)
    {
        PartCount = 0;
        _cold.Clear();
        if (_firstParts.Length < Sections + 1)
        {
            _firstParts = new int[Sections + 1];
        }

        for (int section = 0; section < Sections; section++)
        {
            int[] tables = _tables[section];
            for (int i = 0; i < tables.Length; i++)
            {
                if (!IsOfPart(_firstParts[section], spaces.Of(tables[i])))
                {
                    AddPart(section, spaces.Of(tables[i]), spaces, hot);
                }
            }

            _firstParts[section + 1] = PartCount;
        }
    }

    /// <summary>Where the rows of a table of a section are.</summary>
    /// <param name="section">The section.</param>
    /// <param name="tableOfSection">The table, by index among those of the section.</param>
    /// <param name="tableOfPart">The table, by index among those of the part.</param>
    public SplitPart Find(int section, int tableOfSection, out int tableOfPart)
    {
        int table = _tables[section][tableOfSection];
        int number = _firstParts[section];
        while ((tableOfPart = Array.IndexOf(_parts[number].Tables, table)) < 0)
        {
            number++;
        }

        return _parts[number];
    }

    /// <summary>The gradients of the keys that travel, by cold section and table; valid until the next call.</summary>
    /// <param name="gradients">The gradients of all keys.</param>
    /// <param name="shapes">The tables' shapes.</param>
    public nint[][] ColdGradients(nint[][] gradients, TableShapes shapes)
    {
        if (_coldGradients.Length != _cold.Count)
        {
            _coldGradients = new nint[_cold.Count][];
        }

        byte* free = (byte*)Reserve(shapes);
        for (int section = 0; section < Sections; section++)
        {
            for (int i = 0; i < _tables[section].Length; i++)
            {
                var part = Find(section, i, out int tableOfPart);
                if (part.ColdSection < 0)
                {
                    continue;
                }

                ref nint[] ofSection = ref _coldGradients[part.ColdSection];
                if (ofSection is null || ofSection.Length != part.Tables.Length)
                {
                    ofSection = new nint[part.Tables.Length];
                }

                ofSection[tableOfPart] = gradients[section][i];
                if (part.IsMixed)
                {
                    ofSection[tableOfPart] = (nint)free;
                    free = Gather(part.ColdPlaces, (byte*)gradients[section][i], free, shapes.RowBytes(_tables[section][i]));
                }
            }
        }

        return _coldGradients;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree((void*)_memory);
        _memory = 0;
        _memoryBytes = 0;
    }

    private static byte* Gather(ReadOnlySpan<int> places, byte* source, byte* destination, int rowBytes)
    {
        foreach (int place in places)
        {
            RowCopy.Copy(source + ((long)place * rowBytes), destination, rowBytes);
            destination += rowBytes;
        }

        return destination;
    }

    private bool IsOfPart(int first, int space)
    {
        for (int part = first; part < PartCount; part++)
        {
            if (_parts[part].Space == space)
            {
                return true;
            }
        }

        return false;
    }

    private void AddPart(int section, int space, KeySpaces spaces, HotKeySet hot)
    {
        if (PartCount == _parts.Count)
        {
            _parts.Add(new SplitPart());
        }

        var part = _parts[PartCount++];
        part.TakeTables(space, _tables[section], spaces);
        part.ColdSection = -1;
        if (spaces.IsWhole(space))
        {
            part.KeepAll(_keys[section]);
            return;
        }

        part.Split(_keys[section], hot);
        if (part.ColdPlaces.Length > 0)
        {
            part.ColdSection = _cold.Count;
            _cold.Add(new PullSection(part.Cold, part.Tables));
        }
    }

    /// <summary>Memory for the gradients that are copied together.</summary>
    private nint Reserve(TableShapes shapes)
    {
        long bytes = 0;
        for (int i = 0; i < PartCount; i++)
        {
            foreach (int table in _parts[i].Tables)
            {
                bytes += _parts[i].IsMixed ? _parts[i].ColdPlaces.Length * (long)shapes.RowBytes(table) : 0;
            }
        }

        if (bytes > _memoryBytes)
        {
            Dispose();
            _memoryBytes = bytes + (bytes / 4);
            _memory = HugePages.Allocate(_memoryBytes);
        }

        return _memory;
    }
}
