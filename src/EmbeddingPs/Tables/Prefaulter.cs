namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Lets other threads take the pages of memory that is going to be filled from its start, beginning at its end.</summary>
/// <remarks>
/// The first touch of a page waits for the kernel to clear it, on a virtual machine for the host too, which takes longer than all else that filling does.
/// From both ends no page is waited for twice. Linux 5.14 or later; elsewhere nothing happens.
/// </remarks>
internal sealed class Prefaulter : IDisposable
{
    // Several huge pages, so that a call costs little beside them.
    private const long ChunkBytes = 4 * HugePages.PageBytes;
    private const int MostThreads = 4;

    private readonly nint _start;
    private readonly long _bytes;
    private readonly Thread[] _threads;
    private nint _filled;
    private long _chunks;

    /// <summary>Starts.</summary>
    /// <param name="start">The memory, aligned to a page.</param>
    /// <param name="bytes">Its length.</param>
    public Prefaulter(nint start, long bytes)
    {
        _start = start;
        _filled = start;
        _bytes = bytes;
        _chunks = (bytes + ChunkBytes - 1) / ChunkBytes;
        _threads = new Thread[Math.Clamp(Environment.ProcessorCount / 2, 1, MostThreads)];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(Run) { IsBackground = true, Name = "prefault" };
            _threads[i].Start();
        }
    }

    /// <summary>Says how far the memory is in use.</summary>
    public void FilledTo(nint address) => Volatile.Write(ref _filled, address);

    /// <summary>Stops; the memory may be freed then.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _chunks, 0);
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }

    private void Run()
    {
        while (true)
        {
            long offset = Interlocked.Decrement(ref _chunks) * ChunkBytes;
            if (offset < 0
                || _start + offset < Volatile.Read(ref _filled)
                || !HugePages.TryTouch(_start + (nint)offset, Math.Min(ChunkBytes, _bytes - offset)))
            {
                return;
            }
        }
    }
}
