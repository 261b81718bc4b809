using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// Which samples' slots took each distinct row of a batch, cut into pieces, so that a GPU adds up their gradients in a fixed order without sorting and no
/// thread of it adds up more than a piece: first the slots of every piece, then the pieces of every row.
/// </summary>
/// <remarks>
/// <code>
/// int32 slot               for each slot that holds a row, those of a row together in their order: sample · slots + slot
/// int32 first slot         for each piece: where it begins in the list above
/// int32 first piece        for each row: where it begins in the list above
/// </code>
/// </remarks>
/// <param name="memory">Where the lists are.</param>
/// <param name="sections">Sections of a plan: no two have a row or a slot in common, so that they are worked on side by side.</param>
internal sealed unsafe class RowSegments(HostMemory memory, int sections) : IDisposable
{
    private readonly int[] _slotsOf = new int[sections];
    private readonly int[] _piecesOf = new int[sections];
    private int[] _counts = [];
    private int* _lists;
    private long _capacity;

    /// <summary>Slots that hold a row.</summary>
    public int Slots { get; private set; }

    /// <summary>Pieces of all rows.</summary>
    public int Pieces { get; private set; }

    /// <summary>The most slots of a piece.</summary>
    public int PieceLength { get; private set; }

    /// <summary>The address of the lists.</summary>
    public nint Address => (nint)_lists;

    /// <summary>The length of the lists, in numbers.</summary>
    public int Length => Slots + Pieces + _rows;

    private int _rows;

    /// <summary>Begins with a batch.</summary>
    /// <param name="samples">Samples of the batch.</param>
    /// <param name="rows">Distinct rows of the batch.</param>
    public void Begin(int samples, int rows)
    {
        _rows = rows;

        // A row has at most about as many slots as there are samples: then both additions are of as many numbers at most.
        PieceLength = Math.Max(16, (int)Math.Ceiling(Math.Sqrt(samples)));
        if (_counts.Length < rows)
        {
            _counts = new int[rows + (rows / 4)];
        }
    }

    /// <summary>Counts the slots of every row of a section.</summary>
    /// <param name="section">The section.</param>
    /// <param name="positions">The row, counted from the section's first one, of every slot of the section that holds one, in their order.</param>
    /// <param name="first">The first row of the section.</param>
    /// <param name="rows">Rows of the section.</param>
    public void Count(int section, ReadOnlySpan<long> positions, int first, int rows)
    {
        Span<int> counts = _counts.AsSpan(first, rows);
        counts.Clear();
        foreach (long position in positions)
        {
            counts[(int)position]++;
        }

        int pieces = 0;
        foreach (int count in counts)
        {
            pieces += PiecesOf(count);
        }

        _slotsOf[section] = positions.Length;
        _piecesOf[section] = pieces;
    }

    /// <summary>Makes room for the lists, once all sections are counted.</summary>
    public void Lay()
    {
        Slots = TurnIntoStarts(_slotsOf);
        Pieces = TurnIntoStarts(_piecesOf);
        if (Length > _capacity)
        {
            memory.Free((byte*)_lists);
            _capacity = Length + (Length / 4);
            _lists = (int*)memory.Allocate(_capacity * sizeof(int));
        }
    }

    /// <summary>Writes the lists of a section, of which <see cref="Count"/> has heard the same.</summary>
    /// <param name="section">The section.</param>
    /// <param name="positions">As above.</param>
    /// <param name="first">The first row of the section.</param>
    /// <param name="rows">Rows of the section.</param>
    /// <param name="index">Negative for empty slots, [samples, slots]; nothing where none is empty.</param>
    /// <param name="slots">Slots of a sample.</param>
    /// <param name="own">The slots of the section.</param>
    public void Fill(int section, ReadOnlySpan<long> positions, int first, int rows, ReadOnlySpan<int> index, int slots, ReadOnlySpan<int> own)
    {
        int* pieceStarts = _lists + Slots;
        int* rowStarts = pieceStarts + Pieces;
        int next = _slotsOf[section];
        int piece = _piecesOf[section];

        // From here on the counts are the places of the next slots.
        Span<int> places = _counts.AsSpan(first, rows);
        for (int row = 0; row < rows; row++)
        {
            int count = places[row];
            rowStarts[first + row] = piece;
            for (int start = 0; start < count; start += PieceLength)
            {
                pieceStarts[piece++] = next + start;
            }

            places[row] = next;
            next += count;
        }

        int position = 0;
        for (int sample = 0; position < positions.Length; sample += slots)
        {
            foreach (int slot in own)
            {
                if (index.IsEmpty || index[sample + slot] >= 0)
                {
                    _lists[places[(int)positions[position++]]++] = sample + slot;
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        memory.Free((byte*)_lists);
        _lists = null;
        _capacity = 0;
    }

    private int PiecesOf(int count) => (count + PieceLength - 1) / PieceLength;

    private static int TurnIntoStarts(Span<int> lengths)
    {
        int start = 0;
        foreach (ref int length in lengths)
        {
            (start, length) = (start + length, start);
        }

        return start;
    }
}
