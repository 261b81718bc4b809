using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Counts past 2³¹ and messages past 2 GiB; two ranks need about 16 GB.</summary>
internal static unsafe class LargeChecks
{
    private const long Count = (1L << 31) + 5;

    internal static void Run(Communication communication)
    {
        var world = communication.World;
        var data = (byte*)NativeMemory.AllocZeroed((nuint)Count); // freed below
        data[0] = 1;
        data[Count - 1] = (byte)(world.Rank + 1);
        world.AllReduceAsync("large", (nint)data, Count, ElementType.UInt8, ReduceOperation.Sum).Wait();
        Check.Equal(world.Size, data[0], "first element of a large all-reduce");
        Check.Equal(world.Size * (world.Size + 1) / 2, data[Count - 1], "last element of a large all-reduce");

        data[Count - 1] = (byte)(world.Rank + 7);
        world.BroadcastAsync("large", (nint)data, Count, ElementType.UInt8, root: 0).Wait();
        Check.Equal(7, data[Count - 1], "last element of a large broadcast");
        NativeMemory.Free(data);

        var inbox = communication.Messenger.OpenInbox(0);
        var message = MessageBuffer.Rent(Count);
        ((byte*)message.Pointer)[Count - 1] = (byte)world.Rank;
        communication.Messenger.Send((world.Rank + 1) % world.Size, 0, message);
        using var received = inbox.Receive();
        Check.Equal(Count, received.Length, "length of a large message");
        Check.Equal(received.Source, ((byte*)received.Pointer)[Count - 1], "last byte of a large message");
    }
}
