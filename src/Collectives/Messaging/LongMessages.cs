using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>
/// Messages of any length over calls whose counts are 32 bits wide: a long one is announced, and follows in pieces on a communicator of
/// its own, where nobody probes.
/// </summary>
internal sealed class LongMessages(Communicator whole, Communicator pieces, long callBytes)
{
    internal Outgoing Send(int destination, int tag, MessageBuffer message)
    {
        var outgoing = new Outgoing(message);
        if (message.Length <= callBytes)
        {
            outgoing.Requests.Add(whole.ImmediateSend(message.Pointer, message.Length, destination, tag));
            return outgoing;
        }

        outgoing.Announcement = MessageBuffer.Rent(sizeof(long));
        outgoing.Announcement.As<long>()[0] = message.Length;
        outgoing.Requests.Add(
            whole.ImmediateSend(outgoing.Announcement.Pointer, sizeof(long), destination, tag | Tags.Announcement));
        for (long done = 0; done < message.Length; done += callBytes)
        {
            var bytes = Math.Min(callBytes, message.Length - done);
            outgoing.Requests.Add(pieces.ImmediateSend(message.Pointer + (nint)done, bytes, destination, tag));
        }

        return outgoing;
    }

    /// <summary>Takes the next message that arrived, if any, and begins to receive it.</summary>
    internal Incoming? TryReceive()
    {
        if (!whole.ImmediateProbe(out var handle, out var status))
        {
            return null;
        }

        var bytes = status.ByteCount;
        var message = MessageBuffer.Rent(bytes);
        var incoming = new Incoming(this, message, status.Source, status.Tag);
        incoming.Requests.Add(whole.ImmediateReceive(handle, message.Pointer, bytes));
        return incoming;
    }

    /// <summary>Asks for the pieces of an announced message; MPI matches them in the order they were sent.</summary>
    internal void ReceivePieces(Incoming incoming)
    {
        var message = incoming.Message;
        for (long done = 0; done < message.Length; done += callBytes)
        {
            var bytes = Math.Min(callBytes, message.Length - done);
            incoming.Requests.Add(pieces.ImmediateReceive(message.Pointer + (nint)done, bytes, incoming.Source, incoming.Channel));
        }
    }
}
