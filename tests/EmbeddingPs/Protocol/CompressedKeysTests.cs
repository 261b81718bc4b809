using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Tests.Protocol;

public unsafe class CompressedKeysTests
{
    private static readonly Gen<long> _key = Gen.OneOf(Gen.Long[0, 65535], Gen.Long[0, long.MaxValue], Gen.Long);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16383)]
    [InlineData(16384)]
    [InlineData(16385)]
    [InlineData(50_000)]
    public void KeysComeBackAsTheyWent(int count)
    {
        var random = new Random(count);
        foreach (long limit in new[] { 1, 1000, 65536, long.MaxValue })
        {
            AssertComeBack([.. Enumerable.Range(0, count).Select(_ => random.NextInt64(limit))]);
        }
    }

    [Fact]
    public void AnyKeysComeBackAsTheyWent() => _key.Array[0, 300].Sample(AssertComeBack);

    [Fact]
    public void DamagedBytesAreRefusedOrGiveOtherKeysButNothingElse() => Gen.Select(_key.Array[1, 200], Gen.Int, Gen.Int[0, 7]).Sample(damage =>
    {
        var (keys, place, bit) = damage;
        byte[] bytes = Write(keys);
        bytes[(int)((uint)place % (uint)bytes.Length)] ^= (byte)(1 << bit);
        AssertReadsNoMore(bytes, keys.Length);
        AssertReadsNoMore(bytes[..(int)((uint)place % (uint)bytes.Length)], keys.Length);
    });

    [Fact]
    public void MoreKeysThanTheBytesCanHoldAreRefusedBeforeRoomIsMade()
    {
        Assert.True(CompressedKeys.CanHold(Write(new long[10_000]).Length, 10_000));
        Assert.False(CompressedKeys.CanHold(100, 10_000));
        Assert.False(CompressedKeys.CanHold(0, int.MaxValue));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public void AMessageWithMoreOrFewerKeysThanItsDirectorySaysIsRefused(int difference)
    {
        long[] keys = [.. Enumerable.Range(0, 100).Select(i => 3L * i)];
        using var message = CreatePull(keys, keys.Length + difference);
        using var decompressor = new KeyDecompressor();
        void Open() => SectionDirectory.Open(message, 1, decompressor);
        if (difference == 0)
        {
            Open();
            Assert.Equal(keys, new ReadOnlySpan<long>(decompressor.Keys, keys.Length).ToArray());
            return;
        }

        var error = Assert.Throws<OpenEmbeddingException>(Open);
        Assert.Contains($"do not decompress to {keys.Length + difference} keys", error.Message);
    }

    private static MessageBuffer CreatePull(long[] keys, int toldKeys)
    {
        int directoryBytes = SectionDirectory.Bytes(1, 1);
        byte[] compressed = Write(keys);
        var message = Envelope.Rent(new MessageHeader
        {
            Kind = MessageKind.Pull,
            Sections = 1,
            Tables = 1,
            DirectoryBytes = directoryBytes,
            BodyBytes = directoryBytes + compressed.Length,
        });
        SectionDirectory.Create(Envelope.Body(message), 1, 1).Write(0, toldKeys, 0, [0]);
        compressed.CopyTo(message.Span[(MessageHeader.Bytes + directoryBytes)..]);
        Envelope.Seal(message);
        return message;
    }

    private static void AssertComeBack(long[] keys)
    {
        byte[] bytes = Write(keys);
        Assert.Equal(bytes.Length, Read(bytes, keys.Length, out long[] back));
        Assert.Equal(keys, back);
        Assert.True(CompressedKeys.CanHold(bytes.Length, keys.Length));
    }

    private static void AssertReadsNoMore(byte[] bytes, int keys) => Assert.InRange(Read(bytes, keys, out _), -1, bytes.Length);

    private static byte[] Write(long[] keys)
    {
        byte[] bytes = new byte[CompressedKeys.LargestBytes(keys.Length) + 1];
        fixed (byte* destination = bytes)
        {
            return bytes[..(int)CompressedKeys.Write(keys, destination)];
        }
    }

    private static long Read(byte[] bytes, int count, out long[] keys)
    {
        keys = new long[count];
        fixed (byte* source = bytes)
        {
            return CompressedKeys.Read(source, bytes.Length, keys);
        }
    }
}
