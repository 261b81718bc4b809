using System.Buffers.Binary;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Observation.TensorBoard;

/// <summary>An event file of TensorBoard, which grows event by event.</summary>
/// <remarks>
/// <code>
/// record = length (8 bytes) checksum of length (4 bytes) data checksum of data (4 bytes)     lowest byte first; masked CRC-32C
/// data   = Event { wall_time = 1 (double), step = 2, file_version = 3 | summary = 5 }
/// </code>
/// Sources: record_writer.h and event.proto of TensorFlow.
/// </remarks>
internal sealed class EventFile : IDisposable
{
    private readonly Stream _file;
    private readonly TimeProvider _clock;

    /// <summary>Takes the stream over and begins the file.</summary>
    public EventFile(Stream file, TimeProvider clock)
    {
        _file = file;
        _clock = clock;
        Write(NewEvent(0).Text(3, "brain.Event:2"));
        _file.Flush();
    }

    /// <summary>Makes a file of its own for this job in a folder, which may have those of others.</summary>
    public static EventFile Create(string folder, TimeProvider clock)
    {
        Directory.CreateDirectory(folder);
        string name = $"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}";
        return new EventFile(new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read), clock);
    }

    /// <summary>Adds the values of a step, and gives them to those who read.</summary>
    public void Add(long step, EventValues values)
    {
        Write(NewEvent(step).Message(5, values.Message));
        _file.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private ProtobufMessage NewEvent(long step)
    {
        double seconds = (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        return new ProtobufMessage().Double(1, seconds).Integer(2, step);
    }

    private void Write(ProtobufMessage data)
    {
        Span<byte> head = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)data.Bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[sizeof(ulong)..], Crc32C.Masked(head[..sizeof(ulong)]));
        Span<byte> tail = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, Crc32C.Masked(data.Bytes));
        _file.Write(head);
        _file.Write(data.Bytes);
        _file.Write(tail);
    }
}
