using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>The directory of a message that moves rows: how many go to the server and how many come from it, for every table of the job.</summary>
/// <remarks>
/// <code>
/// { int32 puts, int32 takes }   for each table
/// </code>
/// Then for each table: int64 key for each put; its rows with slots, up to a multiple of 8 bytes; int64 key for each take.
/// </remarks>
internal readonly unsafe ref struct MoveDirectory
{
    private readonly int* _counts;

    /// <summary>The directory at the start of a body.</summary>
    public MoveDirectory(byte* body)
    {
        _counts = (int*)body;
    }

    /// <summary>The length of a directory.</summary>
    public static int Bytes(int tables) => checked(tables * 2 * sizeof(int));

    /// <summary>The bytes of a table's part of the body.</summary>
    public static long PartBytes(int puts, int takes, int storedBytes) =>
        (((long)puts + takes) * sizeof(long)) + Envelope.Align((long)puts * storedBytes);

    /// <summary>Reads the directory of an opened message and checks it against the message's length.</summary>
    /// <param name="message">The message.</param>
    /// <param name="storedBytes">Bytes of a row with its slots, by table.</param>
    public static MoveDirectory Open(MessageBuffer message, ReadOnlySpan<int> storedBytes)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Tables != storedBytes.Length || header.DirectoryBytes != Bytes(storedBytes.Length))
        {
            Envelope.Throw(message, $"moves rows of {header.Tables} tables with a directory of {header.DirectoryBytes} bytes; there are {storedBytes.Length}");
        }

        var directory = new MoveDirectory(Envelope.Body(message));
        long bytes = header.DirectoryBytes;
        for (int table = 0; table < storedBytes.Length; table++)
        {
            if (directory.Puts(table) < 0 || directory.Takes(table) < 0)
            {
                Envelope.Throw(message, $"moves {directory.Puts(table)} rows to and {directory.Takes(table)} rows from table {table}");
            }

            bytes += PartBytes(directory.Puts(table), directory.Takes(table), storedBytes[table]);
        }

        if (bytes != header.BodyBytes)
        {
            Envelope.Throw(message, $"moves rows in {header.BodyBytes} bytes; its directory tells of {bytes}");
        }

        return directory;
    }

    /// <summary>Rows of a table that go to the server.</summary>
    public int Puts(int table) => _counts[2 * table];

    /// <summary>Rows of a table that come from the server.</summary>
    public int Takes(int table) => _counts[(2 * table) + 1];

    /// <summary>Writes the numbers of one table.</summary>
    public void Write(int table, int puts, int takes)
    {
        _counts[2 * table] = puts;
        _counts[(2 * table) + 1] = takes;
    }
}
