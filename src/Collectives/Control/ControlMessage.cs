namespace OpenEmbedding.Collectives;

/// <summary>What ranks tell each other about the operations of a process set.</summary>
/// <remarks>On the wire: 64-bit little-endian integers, in the order of the members; the rounds fill the rest.</remarks>
internal readonly record struct ControlMessage(
    ControlKind Kind, int Set, long Sequence, long Detail = 0, ElementType Type = 0, ReduceOperation Operation = 0, long[]? Rounds = null)
{
    private const int FixedFields = 6;

    internal MessageBuffer Write()
    {
        long[] rounds = Rounds ?? [];
        var message = MessageBuffer.Rent((FixedFields + rounds.Length) * sizeof(long));
        var fields = message.As<long>();
        fields[0] = (long)Kind;
        fields[1] = Set;
        fields[2] = Sequence;
        fields[3] = Detail;
        fields[4] = (long)Type;
        fields[5] = (long)Operation;
        rounds.CopyTo(fields[FixedFields..]);
        return message;
    }

    internal static ControlMessage Read(MessageBuffer message)
    {
        var fields = message.As<long>();
        return new ControlMessage(
            (ControlKind)fields[0],
            (int)fields[1],
            fields[2],
            fields[3],
            (ElementType)fields[4],
            (ReduceOperation)fields[5],
            fields[FixedFields..].ToArray());
    }
}

/// <summary>The kinds of control messages; the sequence is that of an operation in its process set.</summary>
internal enum ControlKind
{
    /// <summary>How far are you? Sent by a rank whose operation waits long.</summary>
    Ask,

    /// <summary>The answer: the detail is the sequence of the next operation that the sender will ask for.</summary>
    Answer,

    /// <summary>The sender has joined; the sequence is the first operation it did not ask for.</summary>
    Join,

    /// <summary>To a rank that joined: this reduction waits for you.</summary>
    Reduce,

    /// <summary>To a rank that joined: this operation, which is no reduction, waits for you and cannot go on.</summary>
    Other,
}
