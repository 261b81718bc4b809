using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The exchange of the trainers of a job, by collective operations of a process set.</summary>
internal sealed class ProcessSetExchange(ProcessSet trainers) : ITrainerExchange
{
    private readonly List<Pending> _pending = [];
    private readonly long[] _blocks = new long[trainers.Size];

    public int Trainers => trainers.Size;

    public void BeginSum(nint data, long count, ElementType type) =>
        _pending.Add(trainers.AllReduceAsync("gradients of replicated rows", data, count, type, ReduceOperation.Sum));

    public void BeginGather(nint mine, nint all, long bytes)
    {
        Array.Fill(_blocks, bytes);
        _pending.Add(trainers.AllGatherVAsync("counts of keys", mine, all, _blocks, ElementType.UInt8));
    }

    public void Wait()
    {
        foreach (var pending in _pending)
        {
            pending.Wait();
        }

        _pending.Clear();
    }
}
