namespace OpenEmbedding.Launcher.Output;

/// <summary>Parts a stream of hydra's into what each rank wrote and what hydra says itself.</summary>
internal sealed class RankSplitter(RankMarker marker, RankSplitter.Piece piece)
{
    /// <summary>The rank of what no rank wrote.</summary>
    public const int Hydra = -1;

    private byte[] _held = [];
    private int _rank = Hydra;
    private bool _atLineStart = true;

    /// <summary>Takes the next bytes of a rank.</summary>
    public delegate void Piece(int rank, ReadOnlySpan<byte> bytes);

    /// <summary>Takes the next piece of the stream, which may be cut anywhere.</summary>
    public void Write(ReadOnlySpan<byte> stream)
    {
        if (_held.Length > 0)
        {
            stream = (byte[])[.. _held, .. stream];
            _held = [];
        }

        while (stream.Length > 0)
        {
            switch (Match(stream, out int length, out int rank))
            {
                case Matching.Whole:
                    _rank = rank;
                    _atLineStart = false;
                    stream = stream[length..];
                    break;
                case Matching.CutOff:
                    _held = stream.ToArray();
                    return;
                default:
                    stream = stream[Pass(stream)..];
                    break;
            }
        }
    }

    /// <summary>Passes on what was held back because a marker might have followed.</summary>
    public void Finish()
    {
        if (_held.Length > 0)
        {
            piece(_atLineStart ? Hydra : _rank, _held);
            _held = [];
        }
    }

    // To the end of the line, or to where the next marker may be.
    private int Pass(ReadOnlySpan<byte> stream)
    {
        if (_atLineStart)
        {
            _rank = Hydra;
        }

        int next = stream[1..].IndexOf(marker.Word.Span[0]) + 1;
        int line = stream.IndexOf((byte)'\n') + 1;
        int length = (next, line) switch
        {
            (0, 0) => stream.Length,
            (0, _) => line,
            (_, 0) => next,
            _ => Math.Min(next, line),
        };
        piece(_rank, stream[..length]);
        _atLineStart = stream[length - 1] == '\n';
        return length;
    }

    private Matching Match(ReadOnlySpan<byte> stream, out int length, out int rank)
    {
        (length, rank) = (0, 0);
        ReadOnlySpan<byte> word = marker.Word.Span;
        int common = Math.Min(word.Length, stream.Length);
        if (!stream[..common].SequenceEqual(word[..common]))
        {
            return Matching.None;
        }

        ReadOnlySpan<byte> digits = stream[common..];
        int count = digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (common < word.Length || count < 0)
        {
            return digits.Length > RankMarker.MaximumDigits ? Matching.None : Matching.CutOff;
        }

        if (digits[count] != RankMarker.End || !int.TryParse(digits[..count], out rank))
        {
            return Matching.None;
        }

        length = common + count + 1;
        return Matching.Whole;
    }

    private enum Matching
    {
        None,
        CutOff,
        Whole,
    }
}
