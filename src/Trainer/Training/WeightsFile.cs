using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Models;
using TorchSharp;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// Writes all weights of a job to one safetensors file: <c>dense/NAME</c>, and for every table <c>table/NAME/keys</c> [rows] and
/// <c>table/NAME/weights</c> [rows, dimension], sorted by key, so that the file does not depend on the number of servers.
/// </summary>
internal static class WeightsFile
{
    public static void Write(string path, TrainingJob job, IEmbeddingStore store)
    {
        var arrays = new List<NamedArray>();
        foreach (DenseParameter named in job.Model.DenseParameters())
        {
            using torch.Tensor weights = named.Parameter.detach().contiguous();
            arrays.Add(new NamedArray(DenseArrays.NameOf(named.Name), DenseState.TypeOf(named.Name, weights), weights.shape, weights.bytes.ToArray()));
        }

        for (int table = 0; table < job.Layout.Tables.Count; table++)
        {
            AddTable(arrays, job.Layout.Tables[table], table, store);
        }

        Safetensors.Write(path, arrays, new Dictionary<string, string> { ["program"] = StartupCheck.ProgramVersion });
    }

    private static void AddTable(List<NamedArray> arrays, TableOptions options, int table, IEmbeddingStore store)
    {
        int rowBytes = options.Dimension * options.ElementType.SizeOf();
        var keys = new List<long>();
        using var rows = new MemoryStream();
        store.ReadTable(table, (chunkKeys, chunkRows) =>
        {
            keys.AddRange(chunkKeys);
            rows.Write(chunkRows);
        });
        int[] order = [.. Enumerable.Range(0, keys.Count)];
        Array.Sort(keys.ToArray(), order);
        long[] sortedKeys = new long[order.Length];
        byte[] sortedRows = new byte[rows.Length];
        ReadOnlySpan<byte> source = rows.GetBuffer();
        for (int i = 0; i < order.Length; i++)
        {
            sortedKeys[i] = keys[order[i]];
            source.Slice(order[i] * rowBytes, rowBytes).CopyTo(sortedRows.AsSpan(i * rowBytes));
        }

        arrays.Add(new NamedArray($"table/{options.Name}/keys", "I64", [order.Length], MemoryMarshal.AsBytes<long>(sortedKeys).ToArray()));
        arrays.Add(new NamedArray($"table/{options.Name}/weights", Safetensors.TypeName(options.ElementType), [order.Length, options.Dimension], sortedRows));
    }
}
