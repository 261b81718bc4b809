namespace OpenEmbedding.Collectives;

/// <summary>Reduces the buffers of all ranks in place with MPI's reduction, for the types it knows.</summary>
internal sealed class AllReduceOperation : ReductionOperation
{
    internal required nint Data { get; init; }

    internal required long Count { get; init; }

    internal override long[] Rounds => [Count];

    internal override void Start()
    {
        var callCount = Math.Max(1, CallBytes / Type.SizeOf());
        for (long done = 0; done < Count; done += callCount)
        {
            Requests.Add(
                Communicator.ImmediateAllReduce(
                    Data + (nint)(done * Type.SizeOf()), Math.Min(callCount, Count - done), Type, Operation));
        }

        IssuedAll();
    }

    protected override void Finish()
    {
        if (Operation == ReduceOperation.Average)
        {
            Reduction.Divide(Data, Count, Type, Communicator.Size);
        }
    }
}
