using System.Buffers.Binary;
using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>A file of TensorFlow's records, each a <c>tf.Example</c> whose features are the columns.</summary>
/// <remarks>
/// A record is its length (uint64), the masked CRC-32C of the length, the data, and the masked CRC-32C of the data, all little-endian. A record whose
/// data is damaged is a bad row; without a whole length nobody knows where the next record begins.
/// </remarks>
internal sealed class TfRecordFile : RowFile
{
    private const int HeaderBytes = sizeof(ulong) + sizeof(uint);
    private const int LongestRecord = 64 << 20;

    private readonly Stream _stream;
    private readonly string _path;
    private readonly ExampleReader _example;
    private byte[] _buffer;

    // Read from the file and not yet used.
    private int _next;
    private int _end;

    private long _record;
    private int _length;
    private long _offset;
    private string _problem = "";

    /// <summary>Reads a stream, which it then owns.</summary>
    public TfRecordFile(Stream stream, string path, DataOptions options, int blockBytes)
    {
        _stream = stream;
        _path = path;
        _example = new ExampleReader(options);
        _buffer = new byte[Math.Max(blockBytes, 2 * HeaderBytes)];
    }

    /// <inheritdoc/>
    public override long Skip(long rows)
    {
        long skipped = 0;
        while (skipped < rows && ReadLength() is { } length)
        {
            Take(length);
            Take(sizeof(uint));
            skipped++;
        }

        return skipped;
    }

    /// <inheritdoc/>
    public override RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        if (ReadLength() is not { } length)
        {
            return RowOutcome.End;
        }

        ReadOnlySpan<byte> record = Take(length + sizeof(uint));
        if (BinaryPrimitives.ReadUInt32LittleEndian(record[length..]) != Crc32C.Masked(record[..length]))
        {
            _problem = "its checksum is not that of its data";
            return RowOutcome.Bad;
        }

        if (_example.Read(record[..length], out label, dense, sparse) is not { } problem)
        {
            return RowOutcome.Row;
        }

        _problem = problem;
        return RowOutcome.Bad;
    }

    /// <inheritdoc/>
    public override OpenEmbeddingException DescribeBadRow() => AtRecord(_problem);

    /// <inheritdoc/>
    public override void Dispose() => _stream.Dispose();

    private OpenEmbeddingException AtRecord(string problem, Exception? inner = null) =>
        DataError.InFile(_path, string.Create(CultureInfo.InvariantCulture, $"record {_record} (from byte {_offset}): {problem}"), inner);

    /// <summary>The length of the next record, whose data is next then; null at the end of the file.</summary>
    private int? ReadLength()
    {
        _offset += _record == 0 ? 0 : _length + HeaderBytes + sizeof(uint);
        _record++;
        if (!Fill(1))
        {
            return null;
        }

        ReadOnlySpan<byte> header = Take(HeaderBytes);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(header);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[sizeof(ulong)..]) != Crc32C.Masked(header[..sizeof(ulong)]))
        {
            throw AtRecord("the checksum of its length is wrong; expected TensorFlow's records");
        }

        if (length > LongestRecord)
        {
            throw AtRecord(string.Create(CultureInfo.InvariantCulture, $"{length} bytes long; expected at most {LongestRecord}"));
        }

        _length = (int)length;
        return _length;
    }

    /// <summary>The next bytes of the file.</summary>
    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (!Fill(bytes))
        {
            throw AtRecord("the file ends within it");
        }

        _next += bytes;
        return _buffer.AsSpan(_next - bytes, bytes);
    }

    /// <summary>Reads until so many bytes are there; false where the file ends before.</summary>
    private bool Fill(int bytes)
    {
        if (_end - _next >= bytes)
        {
            return true;
        }

        byte[] target = bytes > _buffer.Length ? new byte[bytes + (bytes / 2)] : _buffer;
        _buffer.AsSpan(_next, _end - _next).CopyTo(target);
        (_buffer, _end, _next) = (target, _end - _next, 0);
        try
        {
            _end += _stream.ReadAtLeast(_buffer.AsSpan(_end), bytes - _end, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw AtRecord($"cannot be read: {e.Message}", e);
        }

        return _end >= bytes;
    }
}
