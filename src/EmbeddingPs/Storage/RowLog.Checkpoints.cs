using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <content>The log as it was at a step.</content>
internal sealed unsafe partial class RowLog
{
    // Checkpoints that may be asked for, and the segments of each.
    private readonly SortedDictionary<long, int[]> _checkpoints = [];

    /// <summary>Names what was added so far as the state after a step; it stays readable until it is dropped.</summary>
    /// <param name="step">Steps applied.</param>
    /// <param name="identity">What the table is; <see cref="Recover"/> compares it.</param>
    public void Save(long step, string identity)
    {
        if (_open >= 0)
        {
            Close();
        }

        if (!_isBegun)
        {
            Begin();
        }

        FlushFiles();
        int[] named = [.. Enumerable.Range(0, _segments.Count).Where(number => _segments[number].Live > 0)];
        LogCheckpoint.Write(PathOf(step), new LogCheckpoint(
            identity,
            step,
            _shift,
            [.. named.Select(number => new LogCheckpoint.Part(number, _segments[number].Count, _segments[number].Checksum, _segments[number].CopyHeld()))]));
        Unname(step);
        Array.ForEach(named, number => _segments[number].Pins++);
        _checkpoints[step] = named;
    }

    /// <summary>Drops the checkpoints before a step, and with them what only they named.</summary>
    public void DropBefore(long step)
    {
        foreach (long old in _checkpoints.Keys.TakeWhile(other => other < step).ToArray())
        {
            File.Delete(PathOf(old));
            Unname(old);
        }
    }

    /// <summary>Takes the state after a step as the log's; other checkpoints are dropped. The log must be untouched.</summary>
    /// <param name="step">The step.</param>
    /// <param name="identity">As at <see cref="Save"/>.</param>
    /// <param name="owner">Hears of the keys.</param>
    public void Recover(long step, string identity, IRowOwner owner)
    {
        if (_isBegun)
        {
            throw new InvalidOperationException("The log has rows already.");
        }

        var checkpoint = LogCheckpoint.Read(PathOf(step), _name, identity, step);
        Shape(checkpoint.Shift);
        foreach (var part in checkpoint.Parts)
        {
            while (_segments.Count <= part.Number)
            {
                _segments.Add(new Segment { IsFree = true });
            }

            _segments[part.Number].Restore(part, SlotsPerSegment);
            _live += part.Live;
        }

        owner.Expect(_live);
        long last = checkpoint.Parts.Length == 0 ? 0 : checkpoint.Parts.Max(part => ((part.Number + 1L) * SegmentBytes) - 1);
        if (checkpoint.Parts.Length > 0 && RandomAccess.GetLength(_rowFile) <= last)
        {
            throw new OpenEmbeddingException(
                $"Table {_name}: {_prefix}.rows has {RandomAccess.GetLength(_rowFile)} bytes; the checkpoint of step {step} needs {last + 1}.", JobExitCode.Data);
        }

        FindRows(checkpoint, step, owner);
        for (int number = _segments.Count - 1; number >= 0; number--)
        {
            if (_segments[number].IsFree)
            {
                _free.Push(number);
            }
        }

        foreach (string other in FindCheckpoints().Where(path => path != PathOf(step)))
        {
            File.Delete(other);
        }

        _checkpoints[step] = [.. checkpoint.Parts.Select(part => part.Number)];
        _isBegun = true;
    }

    private void FindRows(LogCheckpoint checkpoint, long step, IRowOwner owner)
    {
        Span<long> keys = stackalloc long[EmbeddingTable.Group];
        Span<uint> slots = stackalloc uint[EmbeddingTable.Group];
        byte[] headers = new byte[SlotsPerSegment * HeaderBytes];
        foreach (var part in checkpoint.Parts)
        {
            var bytes = headers.AsSpan(0, part.Count * HeaderBytes);
            ReadWhole(_slotFile, ".slots", bytes, ((long)part.Number << _shift) * HeaderBytes);
            if (System.IO.Hashing.XxHash3.HashToUInt64(bytes) != part.Checksum)
            {
                throw new OpenEmbeddingException(
                    $"Table {_name}: {_prefix}.slots is corrupt at segment {part.Number} of the checkpoint of step {step}.", JobExitCode.Data);
            }

            int found = 0;
            for (int place = 0; place < part.Count; place++)
            {
                // Whether a slot holds a row is hard to foresee: what is not needed is overwritten by the next.
                keys[found] = MemoryMarshal.Read<long>(bytes[(place * HeaderBytes)..]);
                slots[found] = SlotOf(part.Number, place);
                found += Segment.Holds(part.Held, place) ? 1 : 0;
                if (found == EmbeddingTable.Group)
                {
                    owner.Found(keys, slots);
                    found = 0;
                }
            }

            owner.Found(keys[..found], slots[..found]);
        }
    }

    private void Unname(long step)
    {
        if (!_checkpoints.Remove(step, out int[]? named))
        {
            return;
        }

        foreach (int number in named)
        {
            _segments[number].Pins--;
            FreeIfEmpty(number);
        }
    }

    // What an earlier job left is void from now on: its checkpoints go first, so that none is without its rows.
    private void Begin()
    {
        _isBegun = true;
        try
        {
            Array.ForEach(FindCheckpoints(), File.Delete);
            RandomAccess.SetLength(_rowFile, 0);
            RandomAccess.SetLength(_slotFile, 0);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Fail("empty", _prefix + ".rows", problem);
        }
    }

    private void FlushFiles()
    {
        try
        {
            RandomAccess.FlushToDisk(_rowFile);
            RandomAccess.FlushToDisk(_slotFile);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Fail("flush", _prefix + ".rows", problem);
        }
    }

    private string PathOf(long step) => $"{_prefix}.step-{step:D9}";

    private string[] FindCheckpoints() =>
        Directory.GetFiles(Path.GetDirectoryName(_prefix)!, Path.GetFileName(_prefix) + ".step-*");
}
