using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>Every trainer holds all tables; keys and gradients of a step are all-gathered, added in the order of the trainers and applied by all.</summary>
/// <remarks>
/// This is what Horovod does with sparse gradients. The bytes that each rank receives grow with the number of ranks.
/// </remarks>
public sealed unsafe class AllGatherStore : ReplicaStore
{
    private readonly List<ResolvedPull> _pulls = [];
    private MessageBuffer? _mine;
    private MessageBuffer? _all;
    private long[] _counts = [];
    private Pending? _pending;

    /// <summary>Makes the store of this rank.</summary>
    /// <param name="trainers">All trainers; better a set of its own, whose operations no other thread starts.</param>
    /// <param name="wire">How gradients travel, the same on every rank; by default as they are.</param>
    public AllGatherStore(ProcessSet trainers, WireOptions? wire = null)
        : base(trainers, wire)
    {
    }

    // What a trainer gives to a step:
    //   int64 sections, int64 tables     of all its tickets together
    //   directory and keys               as in a pull
    //   gradients                        as in a push
    private protected override void BeginPush(IReadOnlyList<GradientBlock> blocks)
    {
        _mine = Pack(blocks);
        _counts = Trainers.AllGather<long>([_mine.Length], "sizes of embedding gradients");
        long bytes = _counts.Sum();
        _all = MessageBuffer.Rent(bytes);
        _pending = Trainers.AllGatherVAsync("embedding gradients", _mine.Pointer, _all.Pointer, _counts, ElementType.UInt8);
        CountTraffic(bytes - _mine.Length, _mine.Length);
    }

    private protected override void EndPush()
    {
        _pending!.Wait();
        byte* part = (byte*)_all!.Pointer;
        for (int trainer = 0; trainer < _counts.Length; trainer++)
        {
            if (trainer == _pulls.Count)
            {
                _pulls.Add(new ResolvedPull());
            }

            var pull = _pulls[trainer];
            var directory = SectionDirectory.Of(part + (2 * sizeof(long)), (int)((long*)part)[0], (int)((long*)part)[1]);
            pull.Resolve(directory, Shard);
            part += _counts[trainer];
            Shard.Add(pull, part - pull.GradientBytes);
        }

        Shard.Apply();
        Free();
    }

    private protected override void Free()
    {
        _mine?.Dispose();
        _all?.Dispose();
        _mine = null;
        _all = null;
    }

    private MessageBuffer Pack(IReadOnlyList<GradientBlock> blocks)
    {
        int sections = 0;
        int tables = 0;
        long keys = 0;
        long gradientBytes = 0;
        for (int i = 0; i < blocks.Count; i++)
        {
            var pull = PullOf(blocks[i]);
            sections += pull.Sections;
            tables += pull.TableCount;
            keys += pull.KeyCount;
            gradientBytes += GradientBytes(pull);
        }

        var message = MessageBuffer.Rent((2 * sizeof(long)) + SectionDirectory.Bytes(sections, tables) + (keys * sizeof(long)) + gradientBytes);
        byte* start = (byte*)message.Pointer;
        ((long*)start)[0] = sections;
        ((long*)start)[1] = tables;
        var directory = SectionDirectory.Create(start + (2 * sizeof(long)), sections, tables);
        Write(blocks, directory, start + message.Length - gradientBytes);
        return message;
    }

    private void Write(IReadOnlyList<GradientBlock> blocks, in SectionDirectory directory, byte* gradients)
    {
        long* keys = directory.FirstKey;
        int sections = 0;
        int tables = 0;
        for (int i = 0; i < blocks.Count; i++)
        {
            var pull = PullOf(blocks[i]);
            pull.AllKeys.CopyTo(new Span<long>(keys, pull.KeyCount));
            keys += pull.KeyCount;
            for (int section = 0; section < pull.Sections; section++)
            {
                int count = pull.Keys(section).Length;
                var tablesOfSection = pull.Tables(section);
                directory.Write(sections++, count, tables, tablesOfSection);
                tables += tablesOfSection.Length;
                for (int j = 0; j < tablesOfSection.Length; j++)
                {
                    int table = tablesOfSection[j];
                    Shard.Shapes.GradientFormat(table).Write(blocks[i].Gradients[section][j], (nint)gradients, Shard.Shapes.Numbers(table, count));
                    gradients += Shard.Shapes.GradientBlockBytes(table, count);
                }
            }
        }
    }

    private long GradientBytes(LocalPull pull)
    {
        long bytes = 0;
        for (int section = 0; section < pull.Sections; section++)
        {
            foreach (int table in pull.Tables(section))
            {
                bytes += Shard.Shapes.GradientBlockBytes(table, pull.Keys(section).Length);
            }
        }

        return bytes;
    }
}
