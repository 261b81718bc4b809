using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

/// <summary>Native memory of exactly so many elements.</summary>
internal sealed unsafe class NativeArray<T> : IDisposable
    where T : unmanaged
{
    private readonly int _length;

    public NativeArray(int length)
    {
        _length = length;
        Address = (nint)NativeMemory.AllocZeroed((nuint)Math.Max(1, length), (nuint)sizeof(T));
    }

    public NativeArray(ReadOnlySpan<T> values)
        : this(values.Length)
    {
        values.CopyTo(Span);
    }

    public nint Address { get; }

    public Span<T> Span => new((void*)Address, _length);

    public void Dispose() => NativeMemory.Free((void*)Address);
}
