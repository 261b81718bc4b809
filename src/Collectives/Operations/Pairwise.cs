using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>Sends and receives between pairs of ranks inside a collective operation, in pieces that MPI can count.</summary>
/// <remarks>One tag serves all: a pair's messages match in the order of the operations, which all ranks share.</remarks>
internal static class Pairwise
{
    private const int Tag = 0;

    internal static void Send(Intracommunicator communicator, RequestSet requests, nint data, long bytes, int destination, long callBytes)
    {
        for (long done = 0; done < bytes; done += callBytes)
        {
            requests.Add(
                communicator.ImmediateSend(data + (nint)done, Math.Min(callBytes, bytes - done), destination, Tag));
        }
    }

    internal static void Receive(Intracommunicator communicator, RequestSet requests, nint data, long bytes, int source, long callBytes)
    {
        for (long done = 0; done < bytes; done += callBytes)
        {
            requests.Add(
                communicator.ImmediateReceive(data + (nint)done, Math.Min(callBytes, bytes - done), source, Tag));
        }
    }

    /// <summary>The other ranks, each rank beginning with its next, so that not all send to one first.</summary>
    internal static IEnumerable<int> Peers(Intracommunicator communicator) => Peers(communicator.Rank, communicator.Size);

    /// <summary>The others of so many, in the same order.</summary>
    internal static IEnumerable<int> Peers(int own, int size)
    {
        for (var distance = 1; distance < size; distance++)
        {
            yield return (own + distance) % size;
        }
    }
}
