using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>The first bytes of every message, little-endian.</summary>
/// <remarks>
/// <code>
///  0 magic "OEPS"    4 version   6 kind
///  8 step
/// 16 ticket
/// 24 trainer        28 sections
/// 32 body bytes
/// 40 directory bytes                    44 tables
/// 48 code                               52 0
/// 56 checksum: XXH3 of bytes 0 to 55 and of the directory
/// 64 directory, then arrays
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Bytes)]
internal struct MessageHeader
{
    /// <summary>The length of a header.</summary>
    public const int Bytes = 64;

    /// <summary>The bytes before the checksum.</summary>
    public const int CheckedBytes = 56;

    /// <summary><see cref="Protocol.Magic"/>.</summary>
    public uint Magic;

    /// <summary><see cref="Protocol.Version"/>.</summary>
    public ushort Version;

    /// <summary>What the message is.</summary>
    public MessageKind Kind;

    /// <summary>The step of a pull or push; for other requests the pushes of the trainer before it.</summary>
    public long Step;

    /// <summary>The number of the request among those of its trainer; an answer repeats it.</summary>
    public long Ticket;

    /// <summary>The trainer, by index in the layout.</summary>
    public int Trainer;

    /// <summary>Sections of a pull, tickets of a push.</summary>
    public int Sections;

    /// <summary>Bytes after the header.</summary>
    public long BodyBytes;

    /// <summary>Bytes at the start of the body that say what the rest is.</summary>
    public int DirectoryBytes;

    /// <summary>Tables of all sections of a pull.</summary>
    public int Tables;

    /// <summary>The mode of a pull, the exit code of a failure.</summary>
    public int Code;

    /// <summary>0.</summary>
    public int Reserved;

    /// <summary>The checksum of all but the arrays.</summary>
    public ulong Checksum;
}
