using System.Runtime.CompilerServices;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>What a tiered table knows of a row in memory.</summary>
internal struct RowFrame
{
    /// <summary>The row's key.</summary>
    public long Key;

    /// <summary>Pulls under way that name the frame; above 0 the row stays.</summary>
    public int Pins;

    /// <summary>The step of the last change, if it is among <see cref="RowFrames.Changed"/>.</summary>
    public uint Step;

    /// <summary>The place in the log that holds the same row, unless it is among <see cref="RowFrames.Changed"/>.</summary>
    public uint Slot;

    /// <summary>Uses that the clock has not yet taken away.</summary>
    public byte Uses;
}

/// <summary>Which row each frame holds, and which frame is given to another row next: a clock with counted uses.</summary>
/// <remarks>A row begins without a use, so that one that is asked for once leaves before those that come again and again.</remarks>
internal sealed unsafe class RowFrames(long limit) : IDisposable
{
    private const byte MostUses = 3;
    private const long BlockBytes = 64 << 10;

    private readonly RowBlocks _frames = new(limit, sizeof(RowFrame), BlockBytes, zeroed: true);
    private long _hand;

    /// <summary>Frames in use.</summary>
    public long Count { get; private set; }

    /// <summary>Frames with a row that the log does not have as it is.</summary>
    public RowBits Changed { get; } = new(limit);

    /// <summary>Bytes of native memory.</summary>
    public long Bytes => _frames.Bytes + Changed.Bytes;

    /// <summary>The frame of a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref RowFrame Of(long frame) => ref *(RowFrame*)_frames.Addresses.Of(frame);

    /// <summary>Asks for the cache line of a frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(long frame) => Prefetch.Line(_frames.Addresses.Of(frame));

    /// <summary>Keeps a frame until it is unpinned as often.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pin(long frame)
    {
        ref var info = ref Of(frame);
        info.Pins++;
        info.Uses = (byte)Math.Min(info.Uses + 1, MostUses);
    }

    /// <summary>A frame more.</summary>
    public long Add()
    {
        _frames.Add(_frames.BlockOf(Count));
        return Count++;
    }

    /// <summary>A frame that no pull names, least used by the clock; −1 if there is none.</summary>
    public long FindVictim()
    {
        for (long i = 0; i < Count * (MostUses + 1); i++)
        {
            long frame = _hand;
            _hand = _hand + 1 < Count ? _hand + 1 : 0;
            ref var info = ref Of(frame);
            if (info.Pins > 0)
            {
                continue;
            }

            if (info.Uses == 0)
            {
                return frame;
            }

            info.Uses--;
        }

        return -1;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _frames.Dispose();
        Changed.Dispose();
    }
}
