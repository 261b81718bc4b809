using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The gradients of all replicated rows, one array for each element type, so that a step takes one sum or two.</summary>
internal sealed unsafe class SummedGradients : IDisposable
{
    private readonly ReplicatedRows[] _rows;
    private readonly List<(nint Data, long Count, ElementType Type)> _arrays = [];

    /// <summary>Gives the gradients of rows their places.</summary>
    public SummedGradients(IEnumerable<ReplicatedRows> rows)
    {
        _rows = [.. rows];
        foreach (var ofType in _rows.GroupBy(rows => rows.Table.Options.ElementType))
        {
            long count = ofType.Sum(rows => rows.Elements);
            nint data = HugePages.Allocate(count * ofType.Key.SizeOf());
            _arrays.Add((data, count, ofType.Key));
            foreach (var part in ofType)
            {
                part.Place(data);
                data += (nint)(part.Elements * ofType.Key.SizeOf());
            }
        }
    }

    /// <summary>Bytes of the gradients.</summary>
    public long Bytes => _arrays.Sum(array => array.Count * array.Type.SizeOf());

    /// <summary>Starts to sum over the trainers.</summary>
    public void Begin(ITrainerExchange exchange)
    {
        foreach (var (data, count, type) in _arrays)
        {
            exchange.BeginSum(data, count, type);
        }
    }

    /// <summary>Updates the rows, once the sums are complete.</summary>
    /// <param name="step">Steps applied with this one, counted from the start of training.</param>
    public void Apply(long step) => Array.ForEach(_rows, rows => rows.Apply(step));

    public void Dispose() => _arrays.ForEach(array => NativeMemory.AlignedFree((void*)array.Data));
}
