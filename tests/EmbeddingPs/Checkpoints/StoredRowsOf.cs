using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>The rows of a checkpoint, read without the code that loads them.</summary>
internal static class StoredRowsOf
{
    /// <summary>By key: the bytes of all arrays of a row, those of later segments in place of earlier ones, without those that went.</summary>
    public static SortedDictionary<long, string> Table(CheckpointSource source, string table)
    {
        var rows = new SortedDictionary<long, string>();
        foreach (var segment in source.Manifest.Servers.SelectMany(server => server))
        {
            using var file = new SafetensorsFile(source.PathOf(segment));
            var removed = file.Arrays.FirstOrDefault(array => array.Name == $"table/{table}/removed");
            var arrays = file.Arrays
                .Where(array => array.Name.StartsWith($"table/{table}/", StringComparison.Ordinal))
                .Where(array => array != removed && !array.Name.Contains("/candidate", StringComparison.Ordinal)).ToArray();
            byte[][] data = [.. arrays.Select(array => Read(file, array))];
            foreach (long key in MemoryMarshal.Cast<byte, long>(removed is null ? [] : Read(file, removed)))
            {
                rows.Remove(key);
            }

            var keys = MemoryMarshal.Cast<byte, long>(data[Array.FindIndex(arrays, array => array.Name.EndsWith("/keys", StringComparison.Ordinal))]);
            for (int row = 0; row < keys.Length; row++)
            {
                int count = keys.Length;
                rows[keys[row]] = string.Join(" ", arrays.Select((array, i) =>
                    $"{array.Name}:{Convert.ToHexString(data[i].AsSpan(row * (data[i].Length / count), data[i].Length / count))}"));
            }
        }

        return rows;
    }

    private static byte[] Read(SafetensorsFile file, ArrayPlan array)
    {
        byte[] bytes = new byte[array.Bytes];
        file.Read(array, 0, bytes);
        return bytes;
    }
}
