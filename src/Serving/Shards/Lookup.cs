using System.Buffers.Binary;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Shards;

/// <summary>Keys of some sections of a model, of which a shard gives the rows.</summary>
/// <remarks>
/// <code>
/// request = identity:32 bytes shard:i32 shards:i32 sections:i32 0:i32 entries keys
/// entries = (section:i32 count:i32) for each section
/// keys    = i64 for each key, section by section
/// answer  = for each section, for each of its tables: [count, dimension] weights, little-endian
/// </code>
/// </remarks>
internal sealed record Lookup(string Identity, int Shard, int Shards, IReadOnlyList<(int Section, int Count)> Entries, ReadOnlyMemory<byte> Keys)
{
    private const int IdentityBytes = 32;
    private const int HeadBytes = IdentityBytes + (4 * sizeof(int));
    private const int EntryBytes = 2 * sizeof(int);

    public static byte[] Write(string identity, int shard, int shards, IReadOnlyList<(int Section, long[] Keys)> sections)
    {
        byte[] body = new byte[HeadBytes + (sections.Count * EntryBytes) + (sections.Sum(section => section.Keys.Length) * sizeof(long))];
        Convert.FromHexString(identity).CopyTo(body, 0);
        Span<int> head = MemoryMarshal.Cast<byte, int>(body.AsSpan(IdentityBytes));
        (head[0], head[1], head[2]) = (shard, shards, sections.Count);
        Span<long> keys = MemoryMarshal.Cast<byte, long>(body.AsSpan(HeadBytes + (sections.Count * EntryBytes)));
        for (int i = 0; i < sections.Count; i++)
        {
            (head[4 + (2 * i)], head[5 + (2 * i)]) = (sections[i].Section, sections[i].Keys.Length);
            sections[i].Keys.CopyTo(keys);
            keys = keys[sections[i].Keys.Length..];
        }

        return body;
    }

    /// <exception cref="OpenEmbeddingException">The body is of another form.</exception>
    public static Lookup Read(byte[] body)
    {
        if (body.Length < HeadBytes)
        {
            throw Malformed();
        }

        int sections = Number(body, IdentityBytes + 8);
        long keysAt = HeadBytes + ((long)sections * EntryBytes);
        if (sections < 0 || keysAt > body.Length)
        {
            throw Malformed();
        }

        var entries = new (int Section, int Count)[sections];
        long count = 0;
        for (int i = 0; i < sections; i++)
        {
            entries[i] = (Number(body, HeadBytes + (i * EntryBytes)), Number(body, HeadBytes + (i * EntryBytes) + 4));
            count += entries[i].Count >= 0 ? entries[i].Count : throw Malformed();
        }

        return keysAt + (count * sizeof(long)) == body.Length
            ? new Lookup(
                Convert.ToHexStringLower(body.AsSpan(0, IdentityBytes)), Number(body, IdentityBytes), Number(body, IdentityBytes + 4), entries,
                body.AsMemory((int)keysAt))
            : throw Malformed();
    }

    private static int Number(byte[] body, int at) => BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(at));

    private static OpenEmbeddingException Malformed() => new("the lookup is malformed: its length is not that of its sections and keys");
}
