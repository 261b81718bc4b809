using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>
/// Reduces many buffers in few calls: as many as fit are packed into the fusion buffer, reduced together and unpacked; one that has a
/// call to itself is reduced where it lies.
/// </summary>
internal sealed class GroupedAllReduceOperation : ReductionOperation
{
    private readonly Segment[] _segments;
    private readonly List<Round> _rounds;
    private ReductionOperation? _current;
    private nint _buffer;
    private long _capacity;
    private int _round;

    internal GroupedAllReduceOperation(Segment[] segments, long bufferElements)
    {
        _segments = segments;
        _rounds = Plan(segments, bufferElements);
        Rounds = [.. _rounds.Select(round => round.Count)];
    }

    internal override string Extent => $"{_segments.Length} buffers, {base.Extent}";

    internal override long[] Rounds { get; }

    /// <summary>Makes the reduction of one round, of the buffer and the number of elements.</summary>
    internal required Func<nint, long, ReductionOperation> NewReduction { get; init; }

    internal override bool AllIssued => _round == _rounds.Count || (_round == _rounds.Count - 1 && _current!.AllIssued);

    internal override void Start()
    {
        var packed = _rounds.Where(round => !round.IsSingle).Select(round => round.Count).DefaultIfEmpty().Max();
        if (packed > 0)
        {
            _buffer = NativePool.Rent(packed * Type.SizeOf(), out _capacity);
        }

        StartRound();
    }

    internal override bool Advance()
    {
        while (_round < _rounds.Count)
        {
            if (!_current!.Advance())
            {
                return false;
            }

            _current.Release();
            _current = null;
            if (!_rounds[_round].IsSingle)
            {
                Copy(_rounds[_round], pack: false);
            }

            _round++;
            StartRound();
        }

        return true;
    }

    internal override void Release()
    {
        _current?.Release();
        if (_buffer != 0)
        {
            NativePool.Return(_buffer, _capacity);
            _buffer = 0;
        }
    }

    /// <summary>Segments in their order, as many to a round as fit.</summary>
    private static List<Round> Plan(Segment[] segments, long bufferElements)
    {
        var rounds = new List<Round>();
        var first = 0;
        while (first < segments.Length)
        {
            var count = segments[first].Count;
            var end = first + 1;
            while (end < segments.Length && count + segments[end].Count <= bufferElements)
            {
                count += segments[end++].Count;
            }

            rounds.Add(new Round(first, end, count));
            first = end;
        }

        return rounds;
    }

    private void StartRound()
    {
        if (_round == _rounds.Count)
        {
            return;
        }

        var round = _rounds[_round];
        if (round.IsSingle)
        {
            _current = NewReduction(_segments[round.First].Data, round.Count);
        }
        else
        {
            Copy(round, pack: true);
            _current = NewReduction(_buffer, round.Count);
        }

        _current.Start();
    }

    private unsafe void Copy(Round round, bool pack)
    {
        Debug.Assert(round.Count * Type.SizeOf() <= _capacity, "a packed round fits the buffer");
        var place = _buffer;
        foreach (var segment in _segments.AsSpan(round.First, round.End - round.First))
        {
            var bytes = segment.Count * Type.SizeOf();
            var (from, to) = pack ? (segment.Data, place) : (place, segment.Data);
            Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes); // the segment's length; the buffer holds the round's sum
            place += (nint)bytes;
        }
    }

    /// <summary>Segments from the first up to the end, exclusive.</summary>
    private readonly record struct Round(int First, int End, long Count)
    {
        internal bool IsSingle => End == First + 1;
    }
}
