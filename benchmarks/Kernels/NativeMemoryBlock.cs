using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>Native memory on huge pages, filled so that every page is there.</summary>
internal sealed unsafe class NativeMemoryBlock : IDisposable
{
    public NativeMemoryBlock(long bytes)
    {
        Address = HugePages.Allocate(bytes);
        NativeMemory.Fill((void*)Address, (nuint)bytes, 1);
    }

    public nint Address { get; }

    public void Dispose() => NativeMemory.AlignedFree((void*)Address);
}
