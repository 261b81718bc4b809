using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Adds up the gradients of a batch's slots by row, as <see cref="RowSegments"/> lists them: always in the same order, and in two kernels.</summary>
/// <param name="device">Where the tensors are.</param>
internal sealed class SegmentSum(Device device) : IDisposable
{
    // What bags are of is set anew for every sum.
    private readonly EmbeddingBag _bags = nn.EmbeddingBag(1, 1, mode: EmbeddingBagMode.Sum).to(device);

    // 0, 1, 2 and so on, as many as any batch had pieces.
    private Tensor _order = empty([0], dtype: ScalarType.Int32, device: device);

    /// <summary>The sums, [rows, dimension].</summary>
    /// <param name="slots">The gradients of all slots, [samples · slots, dimension].</param>
    /// <param name="lists">The lists of the segments, int32.</param>
    /// <param name="segments">Their lengths.</param>
    public Tensor Of(Tensor slots, Tensor lists, RowSegments segments)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor pieces = Bags(slots, lists.narrow(0, 0, segments.Slots), lists.narrow(0, segments.Slots, segments.Pieces));
        Tensor order = Order(segments.Pieces);
        int rows = segments.Length - segments.Slots - segments.Pieces;
        return Bags(pieces, order, lists.narrow(0, segments.Slots + segments.Pieces, rows)).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bags.Dispose();
        _order.Dispose();
    }

    private Tensor Order(int count)
    {
        if (_order.NumberOfElements < count)
        {
            _order.Dispose();
            _order = arange(count + (count / 4), dtype: ScalarType.Int32, device: device).DetachFromDisposeScope();
        }

        return _order.narrow(0, 0, count);
    }

    private Tensor Bags(Tensor weights, Tensor members, Tensor starts)
    {
        using var asParameter = new Parameter(weights.detach(), requires_grad: false);
        _bags.weight = asParameter;
        return _bags.forward(members, starts, null);
    }
}
