using MessagePack;
using MessagePack.Resolvers;

namespace OpenEmbedding.Collectives;

/// <content>Operations on objects, which travel as MessagePack.</content>
public sealed partial class ProcessSet
{
    // Plain public classes and records need no attributes.
    private static readonly MessagePackSerializerOptions _objects =
        MessagePackSerializerOptions.Standard.WithResolver(ContractlessStandardResolverAllowPrivate.Instance);

    /// <summary>Copies one member's object to all.</summary>
    /// <typeparam name="T">A public type of plain data: primitives, strings, arrays, collections, records.</typeparam>
    /// <param name="value">The object; only the root's counts.</param>
    /// <param name="root">The rank within the set whose object is copied.</param>
    public T BroadcastObject<T>(T value, int root = 0)
    {
        CheckMember();
        if (IsAlone)
        {
            return value;
        }

        var bytes = Rank == root ? MessagePackSerializer.Serialize(value, _objects) : [];
        Span<long> length = [bytes.Length];
        Broadcast(length, root);
        if (Rank != root)
        {
            bytes = new byte[length[0]];
        }

        Broadcast(bytes.AsSpan(), root);
        return Rank == root ? value : MessagePackSerializer.Deserialize<T>(bytes, _objects);
    }

    /// <summary>Gathers an object of each member, in the order of the ranks.</summary>
    /// <typeparam name="T">A public type of plain data: primitives, strings, arrays, collections, records.</typeparam>
    /// <param name="value">This rank's object.</param>
    public T[] AllGatherObject<T>(T value)
    {
        CheckMember();
        if (IsAlone)
        {
            return [value];
        }

        var bytes = AllGather<byte>(MessagePackSerializer.Serialize(value, _objects), out var counts);
        var values = new T[Size];
        var offset = 0;
        for (var rank = 0; rank < Size; rank++)
        {
            values[rank] = MessagePackSerializer.Deserialize<T>(bytes.AsMemory(offset, (int)counts[rank]), _objects);
            offset += (int)counts[rank];
        }

        return values;
    }
}
