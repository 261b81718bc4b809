using System.Runtime.InteropServices;
using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Tests.Protocol;

public unsafe class MessageTests
{
    [Fact]
    public void TheHeaderIsWhereTheDocumentSays()
    {
        using var message = ControlMessage.Create(
            new MessageHeader { Kind = MessageKind.Scan, Step = 0x1112131415161718, Ticket = 0x2122232425262728, Trainer = 0x31323334, Code = 0x41424344 },
            [0xAA, 0xBB, 0xCC]);
        byte[] bytes = message.Span.ToArray();
        Assert.Equal(67, bytes.Length);
        Assert.Equal("OEPS"u8.ToArray(), bytes[..4]);
        Assert.Equal([4, 0], bytes[4..6]);
        Assert.Equal([19, 0], bytes[6..8]);
        Assert.Equal([0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11], bytes[8..16]);
        Assert.Equal([0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21], bytes[16..24]);
        Assert.Equal([0x34, 0x33, 0x32, 0x31], bytes[24..28]);
        Assert.Equal([0, 0, 0, 0], bytes[28..32]);
        Assert.Equal([3, 0, 0, 0, 0, 0, 0, 0], bytes[32..40]);
        Assert.Equal([3, 0, 0, 0], bytes[40..44]);
        Assert.Equal([0, 0, 0, 0], bytes[44..48]);
        Assert.Equal([0x44, 0x43, 0x42, 0x41], bytes[48..52]);
        Assert.Equal([0, 0, 0, 0], bytes[52..56]);
        Assert.Equal([0xAA, 0xBB, 0xCC], bytes[64..]);
        Assert.Equal(MessageHeader.Bytes, sizeof(MessageHeader));
    }

    [Fact]
    public void EveryByteOfHeaderAndDirectoryIsChecked()
    {
        using var message = CreatePull(out int checkedBytes);
        for (int i = 0; i < checkedBytes; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                message.Span[i] ^= (byte)(1 << bit);
                Assert.Throws<OpenEmbeddingException>(() => { Envelope.Open(message); });
                message.Span[i] ^= (byte)(1 << bit);
            }
        }

        Assert.Equal(MessageKind.Pull, Envelope.Open(message).Kind);
    }

    [Fact]
    public void ATruncatedMessageIsRefusedAtEveryLength()
    {
        using var message = CreatePull(out _);
        for (int length = 0; length < message.Length; length++)
        {
            using var part = MessageBuffer.Copy(message.Span[..length]);
            Assert.Throws<OpenEmbeddingException>(() => { Envelope.Open(part); });
        }
    }

    [Fact]
    public void AnotherVersionIsNamed()
    {
        using var message = CreatePull(out _);
        message.Span[4] = 9;
        var error = Assert.Throws<OpenEmbeddingException>(() => { Envelope.Open(message); });
        Assert.Equal("Message of rank 0 is of protocol version 9, this program speaks version 4; start the same program on every rank.", error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    [Fact]
    public void ADirectoryReadsAsItWasWritten()
    {
        Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 4].Array[1, 4]).Array[0, 6].Sample(sections =>
        {
            int tables = sections.Sum(section => section.Item2.Length);
            using var message = Create(sections, tables);
            var directory = SectionDirectory.Open(message, 5);
            Assert.Equal(sections.Length, directory.Sections);
            Assert.Equal(sections.SelectMany(section => section.Item2), directory.AllTables.ToArray());
            for (int i = 0; i < sections.Length; i++)
            {
                Assert.Equal(sections[i].Item1, directory.Keys(i));
                Assert.Equal(sections[i].Item2.Length, directory.Tables(i));
            }
        });
    }

    [Fact]
    public void ADirectoryThatDoesNotFitIsRefusedEvenWithARightChecksum()
    {
        using var good = CreatePull(out _);
        (int Offset, int Value)[] wrong =
        [
            (28, -1), (28, 1), (28, 3), (28, int.MaxValue), (44, -1), (44, 2), (44, 4), (44, int.MaxValue),
            (64, -1), (64, 2), (64, int.MaxValue), (68, -1), (68, 0), (68, 3), (76, int.MinValue), (80, -1), (80, 5), (84, int.MaxValue),
        ];
        foreach (var (offset, value) in wrong)
        {
            using var message = MessageBuffer.Copy(good.Span);
            MemoryMarshal.Write(message.Span[offset..], value);
            Envelope.Seal(message);
            Envelope.Open(message);
            Assert.Throws<OpenEmbeddingException>(() => { SectionDirectory.Open(message, 5); });
        }
    }

    [Fact]
    public void ABodyOfAnotherTypeIsRefused()
    {
        using var message = ControlMessage.Create(new MessageHeader { Kind = MessageKind.Scan }, "no MessagePack"u8);
        var error = Assert.Throws<OpenEmbeddingException>(() => ControlMessage.Read<ScanRequest>(message));
        Assert.StartsWith("Message of rank 0 does not hold a ScanRequest: ", error.Message);
    }

    private static MessageBuffer CreatePull(out int checkedBytes)
    {
        var message = Create([(3, [0, 4]), (2, [1])], 3);
        checkedBytes = MessageHeader.Bytes + SectionDirectory.Bytes(2, 3);
        return message;
    }

    private static MessageBuffer Create((int Keys, int[] Tables)[] sections, int tables)
    {
        int directoryBytes = SectionDirectory.Bytes(sections.Length, tables);
        var message = Envelope.Rent(new MessageHeader
        {
            Kind = MessageKind.Pull,
            Sections = sections.Length,
            Tables = tables,
            DirectoryBytes = directoryBytes,
            BodyBytes = directoryBytes + sections.Sum(section => section.Keys * sizeof(long)),
        });
        var directory = SectionDirectory.Create(Envelope.Body(message), sections.Length, tables);
        int table = 0;
        for (int i = 0; i < sections.Length; i++)
        {
            directory.Write(i, sections[i].Keys, table, sections[i].Tables);
            table += sections[i].Tables.Length;
        }

        new Span<long>(directory.FirstKey, sections.Sum(section => section.Keys)).Clear();
        Envelope.Seal(message);
        return message;
    }
}
