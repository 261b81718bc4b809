using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>Passes on what is written, and takes its checksum, CRC-32C.</summary>
internal sealed class ChecksumStream(Stream inner) : Stream
{
    private uint _state = uint.MaxValue;

    /// <summary>The masked checksum of all bytes so far.</summary>
    public uint Checksum => Mask(~_state);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The masked checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Mask(~Update(uint.MaxValue, bytes));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _state = Update(_state, buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // A checksum of bytes that hold their own checksum would be of little use, so that LevelDB keeps it turned by 15 bits and moved.
    private static uint Mask(uint checksum) => unchecked(BitOperations.RotateRight(checksum, 15) + 0xa282ead8);

    private static uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            state = BitOperations.Crc32C(state, word);
        }

        foreach (byte last in bytes[(words.Length * sizeof(ulong))..])
        {
            state = BitOperations.Crc32C(state, last);
        }

        return state;
    }
}
