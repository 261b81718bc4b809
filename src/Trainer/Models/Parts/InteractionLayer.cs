using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// One layer of the compressed interaction network: of every sample and embedding dimension the products of all columns with all maps, mixed by
/// a matrix. Columns [R, F], maps [R, H], weight [F · H, S], bias [S] to [R, S].
/// </summary>
/// <remarks>
/// The products, [R, F · H], would take gigabytes at common sizes. They are made for some rows at a time, in memory that stays in the cache, and
/// made again in the backward pass instead of being kept.
/// </remarks>
internal sealed class InteractionLayer : autograd.SingleTensorFunction<InteractionLayer>
{
    private const long ProductBytes = 2 << 20;
    private const string Gradients = "gradients";

    /// <inheritdoc/>
    public override string Name => nameof(InteractionLayer);

    /// <summary>Computes the layer; gradients flow to all four tensors.</summary>
    public static Tensor Apply(Tensor columns, Tensor maps, Tensor weight, Tensor bias) => apply(columns, maps, weight, bias);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (columns, maps, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);
        ctx.save_for_backward([columns, maps, weight]);
        Tensor output = bias.expand(columns.shape[0], bias.shape[0]).clone();
        using Tensor buffer = Buffer(columns, maps);
        foreach ((long start, long count) in Parts(columns, maps))
        {
            using var scope = NewDisposeScope();
            Tensor products = Multiply(columns.narrow(0, start, count), maps.narrow(0, start, count), buffer);
            output.narrow(0, start, count).addmm_(products.flatten(1), weight, 1, 1);
        }

        return output;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        var (columns, maps, weight) = (saved[0], saved[1], saved[2]);
        Tensor ofColumns = empty_like(columns);
        Tensor ofMaps = empty_like(maps);
        Tensor ofWeight = zeros_like(weight);
        using Tensor buffer = Buffer(columns, maps);
        foreach ((long start, long count) in Parts(columns, maps))
        {
            using var scope = NewDisposeScope();
            Tensor someColumns = columns.narrow(0, start, count);
            Tensor someMaps = maps.narrow(0, start, count);
            Tensor outgoing = grad_output.narrow(0, start, count);
            Tensor products = Multiply(someColumns, someMaps, buffer);
            ofWeight.addmm_(products.flatten(1).t(), outgoing, 1, 1);

            // The buffer is free again.
            products.flatten(1).addmm_(outgoing, weight.t(), 0, 1);
            ofColumns.narrow(0, start, count).copy_(products.bmm(someMaps.unsqueeze(2)).squeeze(2));
            ofMaps.narrow(0, start, count).copy_(someColumns.unsqueeze(1).bmm(products).squeeze(1));
        }

        // Native code takes these by their addresses after the return: the context keeps them from being finalized until then.
        List<Tensor> gradients = [ofColumns, ofMaps, ofWeight, grad_output.sum(dim: 0)];
        ctx.save_data(Gradients, gradients);
        return gradients;
    }

    /// <summary>All products of some rows, [rows, F, H], in the buffer.</summary>
    private static Tensor Multiply(Tensor columns, Tensor maps, Tensor buffer) =>
        buffer.narrow(0, 0, columns.shape[0]).copy_(columns.unsqueeze(2)).mul_(maps.unsqueeze(1));

    /// <summary>Room for the products of one part: allocating per part would leave the heap in splinters of gigabytes.</summary>
    private static Tensor Buffer(Tensor columns, Tensor maps) => empty(
        [Math.Min(columns.shape[0], RowsPerPart(columns, maps)), columns.shape[1], maps.shape[1]], columns.dtype, columns.device);

    private static long RowsPerPart(Tensor columns, Tensor maps) =>
        Math.Max(1, ProductBytes / (columns.shape[1] * maps.shape[1] * columns.ElementSize));

    private static IEnumerable<(long Start, long Count)> Parts(Tensor columns, Tensor maps)
    {
        long rows = columns.shape[0];
        long step = RowsPerPart(columns, maps);
        for (long start = 0; start < rows; start += step)
        {
            yield return (start, Math.Min(step, rows - start));
        }
    }
}
