using System.IO.Compression;

namespace OpenEmbedding.Trainer.Data;

/// <summary>The contents of a gzip file, read forward once; one that is cut off or damaged is an <see cref="InvalidDataException"/>.</summary>
/// <remarks>Bytes behind the compressed data that are no gzip are passed over, as gzip itself does.</remarks>
internal sealed class GzipFile : Stream
{
    private const string Strict = "System.IO.Compression.UseStrictValidation";

    private readonly Stream _file;
    private readonly GZipStream _contents;

    // Without it a file that was cut off ends early without an error; a program that uses this library need not set it itself.
    static GzipFile() => AppContext.SetSwitch(Strict, true);

    /// <summary>Reads a file from its start, which it then owns.</summary>
    public GzipFile(Stream file)
    {
        _file = file;
        _contents = new GZipStream(file, CompressionMode.Decompress);
    }

    /// <summary>Compressed bytes that have been read.</summary>
    public long BytesRead => _file.Position;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _contents.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException("the compressed data is cut off or damaged; expected a whole gzip file", e);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _contents.Dispose();
        base.Dispose(disposing);
    }
}
