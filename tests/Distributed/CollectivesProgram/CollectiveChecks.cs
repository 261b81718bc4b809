using System.Numerics;

namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Every collective against its closed form in rank and size, at odd lengths.</summary>
internal static unsafe class CollectiveChecks
{
    private static readonly int[] _lengths = [0, 1, 2, 3, 7, 64, 1023, 4097];

    internal static void Run(Communication communication) => Run(communication.World);

    internal static void Run(ProcessSet set)
    {
        foreach (var length in _lengths)
        {
            AllReduce<float>(set, length);
            AllReduce<double>(set, length);
            AllReduce<int>(set, length);
            AllReduce<long>(set, length);
            AllReduce<Half>(set, length);
            Bytes(set, length);
            BFloat16s(set, length);
            Movement(set, length);
        }

        OnTwoHosts(set);
        Grouped(set);
        Objects(set);
        SameBits(set);
        set.Barrier();
    }

    // Small whole numbers: every type holds their sums and products exactly.
    private static T Element<T>(int rank, int index)
        where T : INumber<T> => T.CreateChecked(((rank + index) % 3) + 1);

    private static T Reduce<T>(ProcessSet set, int index, ReduceOperation operation)
        where T : INumber<T>
    {
        var terms = Enumerable.Range(0, set.Size).Select(rank => Element<T>(rank, index)).ToArray();
        return operation switch
        {
            ReduceOperation.Sum => terms.Aggregate((a, b) => a + b),
            ReduceOperation.Average => terms.Aggregate((a, b) => a + b) / T.CreateChecked(set.Size),
            ReduceOperation.Min => terms.Min()!,
            ReduceOperation.Max => terms.Max()!,
            _ => terms.Aggregate((a, b) => a * b),
        };
    }

    private static void AllReduce<T>(ProcessSet set, int length)
        where T : unmanaged, INumber<T>
    {
        foreach (var operation in Enum.GetValues<ReduceOperation>())
        {
            var what = $"{operation} of {length} {typeof(T).Name}";
            var data = Fill<T>(set.Rank, length);
            set.AllReduce<T>(data, operation);
            var expected = Enumerable.Range(0, length).Select(i => Reduce<T>(set, i, operation)).ToArray();
            Check.Equal<T>(expected, data, "all-reduce, " + what);

            var block = set.ReduceScatter<T>(Fill<T>(set.Rank, length), operation);
            var first = (int)Enumerable.Range(0, set.Rank).Sum(rank => set.BlockCount(length, rank));
            Check.Equal<T>(expected.AsSpan(first, (int)set.BlockCount(length, set.Rank)), block, "reduce-scatter, " + what);
        }
    }

    private static T[] Fill<T>(int rank, int length)
        where T : INumber<T> => [.. Enumerable.Range(0, length).Select(i => Element<T>(rank, i))];

    private static void Bytes(ProcessSet set, int length)
    {
        var data = Fill<byte>(set.Rank, length);
        set.AllReduce<byte>(data);
        Check.Equal<byte>([.. Enumerable.Range(0, length).Select(i => Reduce<byte>(set, i, ReduceOperation.Sum))], data, "bytes");
    }

    private static void BFloat16s(ProcessSet set, int length)
    {
        var data = Fill<float>(set.Rank, length).Select(value => (BFloat16)value).ToArray();
        set.AllReduce<BFloat16>(data, ReduceOperation.Average);
        var expected = Enumerable.Range(0, length).Select(i => (BFloat16)Reduce<float>(set, i, ReduceOperation.Average)).ToArray();
        Check.Equal<BFloat16>(expected, data, $"average of {length} bfloat16");
    }

    // As if the first half of the ranks were on one host and the others on another.
    private static void OnTwoHosts(ProcessSet set)
    {
        var groups = set.ReductionGroups;
        set.ReductionGroups = HostGrid.Groups([.. Enumerable.Range(0, set.Size).Select(rank => rank < set.Size / 2 ? "a" : "b")], set.Rank);
        foreach (var length in _lengths)
        {
            var sums = Fill<Half>(set.Rank, length);
            set.AllReduce<Half>(sums);
            Check.Equal<Half>([.. Enumerable.Range(0, length).Select(i => Reduce<Half>(set, i, ReduceOperation.Sum))], sums, $"sum of {length} halves on two hosts");
            BFloat16s(set, length);
        }

        set.ReductionGroups = groups;
    }

    private static void Movement(ProcessSet set, int length)
    {
        // Rank r gives length + r elements r·10000 + i; the last rank gives none.
        int LengthOf(int rank) => rank == set.Size - 1 ? 0 : length + rank;
        int[] BlockOf(int rank) => [.. Enumerable.Range(0, LengthOf(rank)).Select(i => (rank * 10000) + i)];

        var all = set.AllGather<int>(BlockOf(set.Rank), out var counts);
        Check.Equal<int>([.. Enumerable.Range(0, set.Size).SelectMany(BlockOf)], all, "all-gather");
        Check.Equal<long>([.. Enumerable.Range(0, set.Size).Select(rank => (long)LengthOf(rank))], counts, "all-gather counts");

        for (var root = 0; root < set.Size; root++)
        {
            var data = Enumerable.Range(0, length).Select(i => set.Rank == root ? i + root : -1L).ToArray();
            set.Broadcast<long>(data, root);
            Check.Equal<long>([.. Enumerable.Range(0, length).Select(i => (long)(i + root))], data, "broadcast");
        }

        // Rank r sends rank t length·(r + t) mod 5 elements r·100 + t.
        int Sent(int from, int to) => length * ((from + to) % 5) % 2000;
        long[] sendCounts = [.. Enumerable.Range(0, set.Size).Select(to => (long)Sent(set.Rank, to))];
        double[] send = [.. Enumerable.Range(0, set.Size).SelectMany(to => Enumerable.Repeat((set.Rank * 100.0) + to, Sent(set.Rank, to)))];
        var received = set.AllToAll<double>(send, sendCounts, out var receiveCounts);
        Check.Equal<long>([.. Enumerable.Range(0, set.Size).Select(from => (long)Sent(from, set.Rank))], receiveCounts, "all-to-all counts");
        Check.Equal<double>(
            [.. Enumerable.Range(0, set.Size).SelectMany(from => Enumerable.Repeat((from * 100.0) + set.Rank, Sent(from, set.Rank)))],
            received,
            "all-to-all");
    }

    private static void Grouped(ProcessSet set)
    {
        // Several groups under way at once, of segments of all lengths.
        var buffers = new List<float[]>();
        var pinned = new List<System.Buffers.MemoryHandle>();
        var pending = new List<Pending>();
        for (var group = 0; group < 4; group++)
        {
            var segments = new List<Segment>();
            foreach (var length in _lengths)
            {
                var buffer = Fill<float>(set.Rank, length);
                buffers.Add(buffer);
                pinned.Add(buffer.AsMemory().Pin());
                segments.Add(new Segment((nint)pinned[^1].Pointer, length));
            }

            pending.Add(set.GroupedAllReduceAsync($"group {group}", segments.ToArray(), ElementType.Float32, ReduceOperation.Sum));
        }

        pending.ForEach(item => item.Wait());
        pinned.ForEach(handle => handle.Dispose());
        foreach (var buffer in buffers)
        {
            Check.Equal<float>(
                [.. Enumerable.Range(0, buffer.Length).Select(i => Reduce<float>(set, i, ReduceOperation.Sum))], buffer, "grouped");
        }
    }

    private static void Objects(ProcessSet set)
    {
        for (var root = 0; root < set.Size; root++)
        {
            var text = set.BroadcastObject(set.Rank == root ? new string('x', 1000 * root) + root : "", root);
            Check.Equal(new string('x', 1000 * root) + root, text, "broadcast of an object");
        }

        var all = set.AllGatherObject(new Person($"name {set.Rank}", [set.Rank, set.Rank + 1]));
        for (var rank = 0; rank < set.Size; rank++)
        {
            Check.Equal($"name {rank}", all[rank].Name, "all-gather of an object");
            Check.Equal(rank + 1, all[rank].Numbers[1], "all-gather of an object");
        }
    }

    /// <summary>Rounding may depend on the order of the terms, so every rank must have used the same.</summary>
    private static void SameBits(ProcessSet set)
    {
        var random = new Random(set.Rank);
        foreach (var length in _lengths)
        {
            var data = Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f).ToArray();
            set.AllReduce<float>(data);
            var others = set.AllGather<float>(data);
            for (var rank = 0; rank < set.Size; rank++)
            {
                Check.Equal<float>(data, others.AsSpan(rank * length, length), "the same bits on every rank");
            }
        }
    }
}
