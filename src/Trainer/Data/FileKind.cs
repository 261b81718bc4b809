using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Knows files that cannot be rows of text by their first bytes.</summary>
internal static class FileKind
{
    private const string Allowed = "expected rows as text, or compressed by gzip with a name that ends in .gz";

    private static readonly (byte[] Start, string Name)[] _foreign =
    [
        ([.. "PAR1"u8], "a Parquet file, which its name or data.format must tell"),
        ([.. "Obj\x01"u8], "an Avro file"),
        ([.. "PK\x03\x04"u8], "a ZIP archive"),
        ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd"),
        ([0x04, 0x22, 0x4D, 0x18], "compressed by LZ4"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "compressed by xz"),
        ([.. "BZh91AY"u8], "compressed by bzip2"),
    ];

    /// <summary>Looks at the first bytes of a file and goes back to its start; a stream that cannot go back is left alone.</summary>
    /// <param name="file">The file as it lies on the disk, at its start.</param>
    /// <param name="path">The name of it.</param>
    /// <exception cref="OpenEmbeddingException">The file has another form than its name tells, or one that nobody here reads.</exception>
    public static void ThrowIfNotText(Stream file, string path)
    {
        if (!file.CanSeek)
        {
            return;
        }

        Span<byte> buffer = stackalloc byte[8];
        ReadOnlySpan<byte> start = buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        file.Position = 0;
        bool isGzip = start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]);
        if (isGzip && !InputFiles.IsCompressed(path))
        {
            throw DataError.InFile(path, $"compressed by gzip, but its name does not tell; {Allowed}");
        }

        if (!isGzip && InputFiles.IsCompressed(path))
        {
            throw DataError.InFile(path, $"named .gz, but not compressed by gzip; {Allowed}");
        }

        foreach ((byte[] magic, string name) in _foreign)
        {
            if (start.StartsWith(magic))
            {
                throw DataError.InFile(path, $"{name}; {Allowed}");
            }
        }
    }
}
