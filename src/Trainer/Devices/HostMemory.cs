using System.Runtime.InteropServices;
using OpenEmbedding.Collectives.Cuda;

namespace OpenEmbedding.Trainer.Devices;

/// <summary>Where buffers come from that a step reuses.</summary>
internal abstract unsafe class HostMemory
{
    private const int Alignment = 64;

    /// <summary>Memory aligned to 64 bytes.</summary>
    public static HostMemory Aligned { get; } = new AlignedMemory();

    /// <summary>Memory that a GPU copies from and to by itself.</summary>
    public static HostMemory PinnedFor(CudaDevice device) => new PinnedPages(device);

    /// <summary>Whether a GPU copies from and to it by itself.</summary>
    public virtual bool IsPinned => false;

    /// <summary>Allocates; the content is undefined.</summary>
    /// <param name="bytes">The size, 0 or more.</param>
    public abstract byte* Allocate(long bytes);

    /// <summary>Gives back what <see cref="Allocate"/> gave; null is let pass.</summary>
    public abstract void Free(byte* memory);

    private sealed class AlignedMemory : HostMemory
    {
        public override byte* Allocate(long bytes) => (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);

        public override void Free(byte* memory) => NativeMemory.AlignedFree(memory);
    }

    private sealed class PinnedPages(CudaDevice device) : HostMemory
    {
        public override bool IsPinned => true;

        public override byte* Allocate(long bytes)
        {
            // Whichever thread reads batches comes here first.
            device.MakeCurrent();
            return (byte*)PinnedMemory.Allocate(Math.Max(bytes, 1));
        }

        public override void Free(byte* memory) => PinnedMemory.Free((nint)memory);
    }
}
