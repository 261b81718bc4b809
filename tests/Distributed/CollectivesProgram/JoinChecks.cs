namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Uneven ranks: rank r runs 5·r all-reduces and joins; the others' go on with its neutral elements.</summary>
internal static unsafe class JoinChecks
{
    internal static void Run(Communication communication)
    {
        var world = communication.World;
        for (var round = 0; round < 5; round++)
        {
            Round(world, round);

            // In step again: any operation works.
            Check.Equal(world.Size, world.AllGather<int>([1]).Sum(), "all-gather after the join");
        }

        // All at the same point: the highest rank counts as the last.
        Check.Equal(world.Size - 1, world.Join(), "join of even ranks");
        world.Barrier();
    }

    private static void Round(ProcessSet world, int round)
    {
        int StepsOf(int rank) => 5 * ((rank + round) % world.Size);
        for (var step = 0; step < StepsOf(world.Rank); step++)
        {
            var active = Enumerable.Range(0, world.Size).Where(rank => StepsOf(rank) > step).ToArray();
            long[] sum = [world.Rank + 1, step];
            double[] min = [world.Rank + 1];
            Half[] half = [(Half)(world.Rank + 1), (Half)2, (Half)1];
            var grouped = new float[3][];
            var segments = new Segment[3];
            for (var i = 0; i < 3; i++)
            {
                grouped[i] = GC.AllocateArray<float>(i * 5, pinned: true);
                grouped[i].AsSpan().Fill(world.Rank + i);
                segments[i] = new Segment(System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(grouped[i], 0), i * 5);
            }

            var pending = world.GroupedAllReduceAsync("grouped", segments, ElementType.Float32, ReduceOperation.Sum);
            world.AllReduce<long>(sum);
            world.AllReduce<double>(min, ReduceOperation.Min);
            world.AllReduce<Half>(half);
            world.AllReduce<int>([]);
            pending.Wait();

            Check.Equal(active.Sum(rank => rank + 1L), sum[0], "sum with joined ranks");
            Check.Equal(active.Length * (long)step, sum[1], "sum with joined ranks");
            Check.Equal(active.Min() + 1.0, min[0], "minimum with joined ranks");
            Check.Equal((Half)active.Sum(rank => rank + 1), half[0], "half sum with joined ranks");
            Check.Equal(active.Sum(rank => rank + 2f), grouped[2][9], "grouped sum with joined ranks");
        }

        var last = world.Join();
        Check.Equal(Enumerable.Range(0, world.Size).MaxBy(StepsOf), last, "the last to join");
    }
}
