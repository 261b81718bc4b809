using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Puts the blocks of all ranks, of any lengths that all ranks know, one after the other on every rank.</summary>
internal sealed unsafe class AllGatherOperation : CollectiveOperation
{
    private int* _counts;
    private bool _external;

    internal override string Kind => "all-gather";

    internal override string Extent => $"{Blocks.TotalBytes} bytes";

    internal required nint Send { get; init; }

    internal required nint Receive { get; init; }

    /// <summary>Where each rank's block lies in the result.</summary>
    internal required BlockLayout Blocks { get; init; }

    internal override void Start()
    {
        // All ranks know all lengths and so choose the same way.
        if (Blocks.TotalBytes <= CallBytes)
        {
            StartAtOnce();
        }
        else
        {
            StartPairwise();
        }

        IssuedAll();
    }

    internal override void Release()
    {
        NativeMemory.Free(_counts); // allocated in StartAtOnce, or null
        _counts = null;
    }

    private void StartAtOnce()
    {
        var size = Communicator.Size;
        _counts = (int*)NativeMemory.Alloc((nuint)(2 * size * sizeof(int))); // MPI reads it until the request is complete
        for (var rank = 0; rank < size; rank++)
        {
            _counts[rank] = (int)Blocks.BytesOf(rank);
            _counts[size + rank] = (int)Blocks.OffsetOf(rank);
        }

        _external = Send != Receive + (nint)Blocks.OffsetOf(Communicator.Rank);
        Requests.Add(
            Communicator.ImmediateAllGather(
                _external ? Send : Mpi.Handle.InPlace, Blocks.BytesOf(Communicator.Rank), Receive, _counts, _counts + size));
    }

    private void StartPairwise()
    {
        var own = Blocks.BytesOf(Communicator.Rank);
        var place = Receive + (nint)Blocks.OffsetOf(Communicator.Rank);
        if (Send != place)
        {
            Buffer.MemoryCopy((void*)Send, (void*)place, own, own); // the own block of both buffers is this long
        }

        foreach (var peer in Pairwise.Peers(Communicator))
        {
            Pairwise.Receive(
                Communicator, Requests, Receive + (nint)Blocks.OffsetOf(peer), Blocks.BytesOf(peer), peer, CallBytes);
            Pairwise.Send(Communicator, Requests, Send, own, peer, CallBytes);
        }
    }
}
