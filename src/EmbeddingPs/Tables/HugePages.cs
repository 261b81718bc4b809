using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Large pieces of native memory on huge pages, so that random rows seldom miss the address cache.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>The size and alignment of a huge page.</summary>
    public const long PageBytes = 2 << 20;

    private const int CacheLine = 64;
    private const int MadviseHugePage = 14;
    private const int MadvisePopulateWrite = 23;

    /// <summary>Allocates memory of undefined content that takes no physical memory until touched; free it with <see cref="NativeMemory.AlignedFree"/>.</summary>
    public static nint Allocate(long bytes)
    {
        bool huge = bytes >= PageBytes;
        var memory = (nint)NativeMemory.AlignedAlloc((nuint)bytes, huge ? (nuint)PageBytes : CacheLine);
        if (huge && OperatingSystem.IsLinux())
        {
            // Advice only: a kernel without huge pages refuses it, and the memory is good all the same.
            _ = Advise(memory, (nuint)(bytes & -PageBytes), MadviseHugePage);
        }

        return memory;
    }

    /// <summary>Takes the pages of memory and leaves its content as it is; false where the system cannot.</summary>
    /// <param name="memory">Aligned to a page.</param>
    /// <param name="bytes">Its length; a part of a page at the end is left alone.</param>
    public static bool TryTouch(nint memory, long bytes) =>
        OperatingSystem.IsLinux() && Advise(memory, (nuint)(bytes & -Environment.SystemPageSize), MadvisePopulateWrite) == 0;

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
