using OpenEmbedding.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Devices;

/// <summary>Lays the dense parameters of a model into one piece of memory, one after another, so that they are copied at once.</summary>
internal sealed class FlatParameters : IDisposable
{
    private readonly Tensor _flat;

    /// <summary>Moves the parameters; they stay parameters of their model, with their values.</summary>
    /// <param name="parameters">All of one type and on one device.</param>
    /// <param name="place">Says where the flat weights are to lie: gives a copy of them there.</param>
    public FlatParameters(IReadOnlyList<DenseParameter> parameters, Func<Tensor, Tensor> place)
    {
        using var noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _flat = place(cat([.. parameters.Select(named => named.Parameter.flatten())])).MoveToOuterDisposeScope();
        long first = 0;
        foreach (DenseParameter named in parameters)
        {
            long count = named.Parameter.numel();
            named.Parameter.set_(_flat.narrow(0, first, count).view(named.Parameter.shape));
            first += count;
        }

        Bytes = _flat.NumberOfElements * _flat.ElementSize;
        Address = AddressOf(_flat);
    }

    /// <summary>Where the weights begin, on their device.</summary>
    public nint Address { get; }

    /// <summary>Bytes of all weights.</summary>
    public long Bytes { get; }

    /// <summary>The address of the first element of a contiguous tensor of float32, float64 or int32, on its device.</summary>
    public static nint AddressOf(Tensor tensor)
    {
        // Asked for by another type than its own, TorchSharp's storage is a copy.
        nint first = tensor.dtype switch
        {
            ScalarType.Float32 => First<float>(tensor),
            ScalarType.Float64 => First<double>(tensor),
            ScalarType.Int32 => First<int>(tensor),
            _ => throw new ArgumentException($"a tensor of {tensor.dtype} has no address here", nameof(tensor)),
        };
        return first + (nint)(tensor.storage_offset() * tensor.ElementSize);

        static nint First<T>(Tensor tensor)
            where T : unmanaged
        {
            using Storage<T> storage = tensor.storage<T>();
            return storage.data_ptr();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _flat.Dispose();
}
