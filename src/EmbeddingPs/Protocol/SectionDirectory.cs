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
/// The keys of all sections follow it, int64 each.
/// </remarks>
internal readonly unsafe ref struct SectionDirectory
{
    private readonly int* _sections;
    private readonly int _tableCount;

    private SectionDirectory(byte* directory, int sections, int tables)
    {
        _sections = (int*)directory;
        _tableCount = tables;
        Sections = sections;
    }

    /// <summary>The number of sections.</summary>
    public int Sections { get; }

    /// <summary>The tables of all sections, in order.</summary>
    public ReadOnlySpan<int> AllTables => new(FirstTable, _tableCount);

    /// <summary>The first key of the first section.</summary>
    public long* FirstKey => (long*)((byte*)_sections + Bytes(Sections, _tableCount));

    private int* FirstTable => _sections + (2 * Sections);

    /// <summary>The length of a directory.</summary>
    public static int Bytes(int sections, int tables) => checked((int)Envelope.Align((2L * sections + tables) * sizeof(int)));

    /// <summary>A directory to be written at the start of a body.</summary>
    public static SectionDirectory Create(byte* body, int sections, int tables)
    {
        // The last bytes may be padding.
        int bytes = Bytes(sections, tables);
        *(long*)(body + Math.Max(0, bytes - sizeof(long))) = 0;
        return new SectionDirectory(body, sections, tables);
    }

    /// <summary>A directory that <see cref="Create"/> made.</summary>
    public static SectionDirectory Of(byte* body, int sections, int tables) => new(body, sections, tables);

    /// <summary>Reads the directory of an opened message and checks it against the message's length and the number of tables there are.</summary>
    /// <param name="message">The message.</param>
    /// <param name="tableCount">Tables have indices below this.</param>
    public static SectionDirectory Open(MessageBuffer message, int tableCount)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Sections < 0
            || header.Tables < 0
            || Envelope.Align((2L * header.Sections + header.Tables) * sizeof(int)) != header.DirectoryBytes)
        {
            Envelope.Throw(message, $"has a directory of {header.DirectoryBytes} bytes for {header.Sections} sections with {header.Tables} tables");
        }

        var directory = new SectionDirectory(Envelope.Body(message), header.Sections, header.Tables);
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

        if (tables != header.Tables || keyCount * sizeof(long) != header.BodyBytes - header.DirectoryBytes)
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

        return directory;
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
