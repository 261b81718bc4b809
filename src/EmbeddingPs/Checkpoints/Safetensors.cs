using System.Buffers.Binary;
using System.Text.Json;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>One array of a safetensors file.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">Its element type as the format writes it: <c>F32</c>, <c>F64</c> or <c>I64</c>.</param>
/// <param name="Shape">Its shape, row-major.</param>
/// <param name="Data">Its elements, little-endian.</param>
public sealed record NamedArray(string Name, string Type, long[] Shape, ReadOnlyMemory<byte> Data);

/// <summary>Writes arrays in the safetensors format: an 8-byte length, a JSON header, the arrays one after another.</summary>
/// <remarks>Format: https://github.com/huggingface/safetensors#format.</remarks>
public static partial class Safetensors
{
    private const int Alignment = 8;

    /// <summary>The format's name of the type of weights.</summary>
    public static string TypeName(ElementType type) => type == ElementType.Float64 ? "F64" : "F32";

    /// <summary>Writes a file that appears whole: under a temporary name first, then renamed.</summary>
    /// <exception cref="IOException">The folder is missing or not writable, or the disk is full.</exception>
    public static void Write(string path, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata)
    {
        byte[] header = Header(PlanOf(arrays), metadata);
        WholeFile.Write(path, stream => WriteArrays(stream, header, arrays));
    }

    /// <summary>The length and the header of a file; the arrays follow in the same order.</summary>
    internal static byte[] Header(IReadOnlyList<ArrayPlan> arrays, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[sizeof(ulong)]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (ArrayPlan array in arrays)
            {
                json.WriteStartObject(array.Name);
                json.WriteString("dtype", array.Type);
                WriteNumbers(json, "shape", array.Shape);
                WriteNumbers(json, "data_offsets", [offset, offset + array.Bytes]);
                json.WriteEndObject();
                offset += array.Bytes;
            }

            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        byte[] header = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static ArrayPlan[] PlanOf(IReadOnlyList<NamedArray> arrays) =>
        [.. arrays.Select(array => new ArrayPlan(array.Name, array.Type, array.Shape, array.Data.Length))];

    private static void WriteArrays(Stream stream, byte[] header, IReadOnlyList<NamedArray> arrays)
    {
        stream.Write(header);
        foreach (NamedArray array in arrays)
        {
            stream.Write(array.Data.Span);
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
