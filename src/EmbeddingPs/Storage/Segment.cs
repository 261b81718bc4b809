namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>A piece of a row log that is written at once.</summary>
internal sealed class Segment
{
    private const int WordShift = 6;

    // A bit for each slot.
    private ulong[] _held = [];

    /// <summary>Slots written.</summary>
    public int Count { get; set; }

    /// <summary>Slots that hold a row as it is.</summary>
    public int Live { get; private set; }

    /// <summary>Checkpoints and captures that name it; above 0 it stays as it is.</summary>
    public int Pins { get; set; }

    /// <summary>Whether an increment has had its rows.</summary>
    public bool IsCaptured { get; set; }

    /// <summary>The checksum of its headers.</summary>
    public ulong Checksum { get; set; }

    /// <summary>Whether it may be written anew.</summary>
    public bool IsFree { get; set; }

    /// <summary>Bytes of memory for a number of slots.</summary>
    public static long BytesOf(long slots) => WordsOf(slots) * sizeof(ulong);

    /// <summary>Begins anew, without a row.</summary>
    /// <param name="slots">Slots that it has room for.</param>
    public void Begin(long slots)
    {
        (Count, Live, IsCaptured, IsFree) = (0, 0, false, false);
        _held = new ulong[WordsOf(slots)];
    }

    /// <summary>Becomes what it was when a checkpoint named it.</summary>
    /// <param name="part">What the checkpoint says.</param>
    /// <param name="slots">Slots that it has room for.</param>
    public void Restore(LogCheckpoint.Part part, long slots)
    {
        Begin(slots);
        (Count, Live, Checksum, Pins) = (part.Count, part.Live, part.Checksum, 1);
        part.Held.CopyTo(_held, 0);
    }

    /// <summary>Whether a slot holds a row as it is.</summary>
    public static bool Holds(ulong[] held, int place) => (held[place >> WordShift] >> place & 1) != 0;

    /// <summary>Whether a slot holds a row as it is.</summary>
    public bool Holds(int place) => Holds(_held, place);

    /// <summary>A slot holds a row as it is from now on.</summary>
    public void Hold(int place)
    {
        _held[place >> WordShift] |= 1UL << place;
        Live++;
    }

    /// <summary>A slot holds its row no more.</summary>
    public void Drop(int place)
    {
        _held[place >> WordShift] &= ~(1UL << place);
        Live--;
    }

    /// <summary>Which of the slots written hold a row now, for <see cref="Holds(ulong[], int)"/>.</summary>
    public ulong[] CopyHeld() => _held[..(int)WordsOf(Count)];

    /// <summary>Words with a bit for each of a number of slots, at least one.</summary>
    public static long WordsOf(long slots) => ((slots - 1) >> WordShift) + 1;
}
