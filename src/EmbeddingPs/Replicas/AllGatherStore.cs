using System.Buffers;
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
    private readonly KeyDecompressor? _compressedKeys;
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
        _compressedKeys = Wire.Keys == KeyEncoding.Lz4 ? new KeyDecompressor() : null;
    }

    // What a trainer gives to a step:
    //   int64 sections, int64 tables     of all its tickets together
    //   directory and keys               as in a pull, then up to 7 bytes up to a multiple of 8
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

    private protected override void EndPush(long step)
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
            Shard.Find(pull, Open(part, _counts[trainer]));
            part += _counts[trainer];
            Shard.Add(pull, part - pull.GradientBytes);
        }

        Shard.Apply(step);
        FreeMessages();
    }

    private protected override void Free()
    {
        FreeMessages();
        _compressedKeys?.Dispose();
    }

    private void FreeMessages()
    {
        _mine?.Dispose();
        _all?.Dispose();
        _mine = null;
        _all = null;
    }

    private SectionDirectory Open(byte* part, long bytes)
    {
        var directory = SectionDirectory.Of(part + (2 * sizeof(long)), (int)((long*)part)[0], (int)((long*)part)[1]);
        if (_compressedKeys is null)
        {
            return directory;
        }

        byte* keys = (byte*)directory.FirstKey;
        if (_compressedKeys.Read(keys, part + bytes - keys, directory.CountKeys()) < 0)
        {
            throw new OpenEmbeddingException("The gradients of a trainer have keys that do not decompress.");
        }

        return directory.With(_compressedKeys.Keys);
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

        int countBytes = 2 * sizeof(long);
        long mostKeyBytes = _compressedKeys is null ? keys * sizeof(long) : Envelope.Align(CompressedKeys.LargestBytes(keys));
        var message = MessageBuffer.Rent(countBytes + SectionDirectory.Bytes(sections, tables) + mostKeyBytes + gradientBytes);
        byte* start = (byte*)message.Pointer;
        ((long*)start)[0] = sections;
        ((long*)start)[1] = tables;
        var directory = SectionDirectory.Create(start + countBytes, sections, tables);
        byte* gradients = (byte*)directory.FirstKey + Envelope.Align(WriteKeys(blocks, directory.FirstKey, keys));
        Write(blocks, directory, gradients);
        message.Resize(gradients + gradientBytes - start);
        return message;
    }

    /// <summary>Writes the keys of all tickets and returns their bytes.</summary>
    private long WriteKeys(IReadOnlyList<GradientBlock> blocks, long* destination, long count)
    {
        if (_compressedKeys is null)
        {
            CopyKeys(blocks, new Span<long>(destination, checked((int)count)));
            return count * sizeof(long);
        }

        long[] keys = ArrayPool<long>.Shared.Rent(checked((int)count));
        CopyKeys(blocks, keys);
        long bytes = CompressedKeys.Write(keys.AsSpan(0, (int)count), (byte*)destination);
        ArrayPool<long>.Shared.Return(keys);
        return bytes;
    }

    private static void CopyKeys(IReadOnlyList<GradientBlock> blocks, Span<long> destination)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            var keys = PullOf(blocks[i]).AllKeys;
            keys.CopyTo(destination);
            destination = destination[keys.Length..];
        }
    }

    private void Write(IReadOnlyList<GradientBlock> blocks, in SectionDirectory directory, byte* gradients)
    {
        int sections = 0;
        int tables = 0;
        for (int i = 0; i < blocks.Count; i++)
        {
            var pull = PullOf(blocks[i]);
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
