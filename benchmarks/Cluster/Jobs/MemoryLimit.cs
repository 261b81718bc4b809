using System.Globalization;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>Finds tables that fit: the strategies without servers hold all of them on every rank.</summary>
internal static class MemoryLimit
{
    // What the ranks themselves, their buffers and the file cache take must fit beside the tables.
    private const double ShareForTables = 0.7;
    private static readonly int[] _steps = [5, 2, 1];

    /// <summary>The ids wanted, or the next lower 5, 2 or 1 times a power of ten of which the tables fit.</summary>
    /// <param name="wanted">Ids of all columns together.</param>
    /// <param name="workload">Model and dimension.</param>
    /// <param name="ranks">Ranks of the job.</param>
    /// <param name="contenders">Who holds the tables.</param>
    /// <param name="availableBytes">Memory of all ranks together.</param>
    public static int FittingIds(int wanted, Workload workload, int ranks, IReadOnlyList<Contender> contenders, long availableBytes)
    {
        // Float32 weights and Adagrad's slots; all-reduce has a gradient of every row as well.
        int copies = contenders.Contains(Contender.AllReduce) ? 3 * ranks
            : contenders.Contains(Contender.AllGather) || contenders.Contains(Contender.PyTorch) ? 2 * ranks
            : 2;
        long bytesPerId = (workload.Dimension + 1L) * sizeof(float) * copies;
        double fitting = availableBytes * ShareForTables / bytesPerId;
        if (wanted <= fitting)
        {
            return wanted;
        }

        for (int power = 1_000_000_000; power >= 1000; power /= 10)
        {
            foreach (int step in _steps)
            {
                if ((long)step * power < wanted && (long)step * power <= fitting)
                {
                    return step * power;
                }
            }
        }

        throw new BenchException(string.Create(
            CultureInfo.InvariantCulture,
            $"{workload} on {ranks} ranks: not even tables of 1000 ids fit into the {availableBytes >> 20} MiB of memory that are free"));
    }

    /// <summary>Memory that the kernel says can be had, in bytes.</summary>
    public static long AvailableBytes()
    {
        string line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
