using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>The directory of a list of keys for several tables, as a pull has it.</summary>
/// <remarks>
/// <code>
/// { int32 keys, int32 tables } for each section
/// int32 table                  for each table of each section
/// 0 bytes                      up to a multiple of 8
/// </code>
/// The keys of all sections follow it, int64 each or compressed.
/// </remarks>
internal readonly unsafe ref struct SectionDirectory
{
    private readonly int* _sections;
    private readonly int _tableCount;

    private SectionDirectory(byte* directory, int sections, int tables, long* keys)
    {
        _sections = (int*)directory;
        _tableCount = tables;
        Sections = sections;
        FirstKey = keys;
    }

    /// <summary>The number of sections.</summary>
    public int Sections { get; }

    /// <summary>The tables of all sections, in order.</summary>
    public ReadOnlySpan<int> AllTables => new(FirstTable, _tableCount);

    /// <summary>The first key of the first section.</summary>
    public long* FirstKey { get; }

    private int* FirstTable => _sections + (2 * Sections);

    /// <summary>The length of a directory.</summary>
    public static int Bytes(int sections, int tables) => checked((int)Envelope.Align((2L * sections + tables) * sizeof(int)));

    /// <summary>A directory to be written at the start of a body.</summary>
    public static SectionDirectory Create(byte* body, int sections, int tables)
    {
        // The last bytes may be padding.
        int bytes = Bytes(sections, tables);
        *(long*)(body + Math.Max(0, bytes - sizeof(long))) = 0;
        return new SectionDirectory(body, sections, tables, (long*)(body + bytes));
    }

    /// <summary>A directory that <see cref="Create"/> made, with its keys behind it.</summary>
    public static SectionDirectory Of(byte* body, int sections, int tables) => new(body, sections, tables, (long*)(body + Bytes(sections, tables)));

    /// <summary>The directory with keys from elsewhere.</summary>
    public SectionDirectory With(long* keys) => new((byte*)_sections, Sections, _tableCount, keys);

    /// <summary>The number of keys of all sections.</summary>
    public long CountKeys()
    {
        long keys = 0;
        for (int section = 0; section < Sections; section++)
        {
            keys += Keys(section);
        }

        return keys;
    }

    /// <summary>Reads the directory of an opened message and checks it against the message's length and the number of tables there are.</summary>
    /// <param name="message">The message.</param>
    /// <param name="tableCount">Tables have indices below this.</param>
    /// <param name="compressed">Where compressed keys go, until its next message; null if keys travel as they are.</param>
    public static SectionDirectory Open(MessageBuffer message, int tableCount, KeyDecompressor? compressed = null)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Sections < 0
            || header.Tables < 0
            || Envelope.Align((2L * header.Sections + header.Tables) * sizeof(int)) != header.DirectoryBytes)
        {
            Envelope.Throw(message, $"has a directory of {header.DirectoryBytes} bytes for {header.Sections} sections with {header.Tables} tables");
        }

        var directory = Of(Envelope.Body(message), header.Sections, header.Tables);
        long keyCount = 0;
        long tables = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            if (directory.Keys(section) < 0 || directory.Tables(section) < 0)
            {
                Envelope.Throw(message, $"has {directory.Keys(section)} keys for {directory.Tables(section)} tables in section {section}");
            }

            keyCount += directory.Keys(section);
            tables += directory.Tables(section);
        }

        long keyBytes = header.BodyBytes - header.DirectoryBytes;
        if (tables != header.Tables || (compressed is null ? keyCount * sizeof(long) != keyBytes : !CompressedKeys.CanHold(keyBytes, keyCount)))
        {
            Envelope.Throw(message, $"has {header.BodyBytes} bytes of body for {keyCount} keys of {tables} tables");
        }

        foreach (int table in directory.AllTables)
        {
            if ((uint)table >= (uint)tableCount)
            {
                Envelope.Throw(message, $"asks for table {table}; there are {tableCount}");
            }
        }

        if (compressed is null)
        {
            return directory;
        }

        byte* source = (byte*)directory.FirstKey;
        if (compressed.Read(source, keyBytes, keyCount) != keyBytes)
        {
            Envelope.Throw(message, $"has {keyBytes} bytes that do not decompress to {keyCount} keys");
        }

        return directory.With(compressed.Keys);
    }

    /// <summary>The keys of a section.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Keys(int section) => _sections[2 * section];

    /// <summary>The tables of a section.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Tables(int section) => _sections[(2 * section) + 1];

    /// <summary>Writes one section.</summary>
    /// <param name="section">Its index.</param>
    /// <param name="keys">The number of its keys.</param>
    /// <param name="firstTable">The number of tables of the sections before it.</param>
    /// <param name="tables">Its tables.</param>
    public void Write(int section, int keys, int firstTable, ReadOnlySpan<int> tables)
    {
        _sections[2 * section] = keys;
        _sections[(2 * section) + 1] = tables.Length;
        tables.CopyTo(new Span<int>(FirstTable + firstTable, tables.Length));
    }
}
