using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Devices;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>
/// Stands between TorchSharp's native library and libtorch in the forward passes of embedding layers, and gives attached layers the positions
/// of their pulled rows in the place of ids.
/// </summary>
/// <remarks>
/// TorchSharp's forward hooks run for <c>layer.call(ids)</c> but not for <c>layer.forward(ids)</c>, which most modules write, and the layer
/// classes are sealed; so the native library's two imports are redirected. Layers that are not attached pass through unchanged.
/// </remarks>
internal static unsafe class NativeForward
{
    private const string EmbeddingForward = "_ZN5torch2nn13EmbeddingImpl7forwardERKN2at6TensorE";
    private const string BagForward = "_ZN5torch2nn16EmbeddingBagImpl7forwardERKN2at6TensorES5_S5_";
    private static readonly ConcurrentDictionary<nint, EmbeddingLayer> _layers = new();
    private static readonly Lazy<bool> _redirected = new(Redirect);

    [ThreadStatic]
    private static EmbeddingLayer? _learning;

    /// <summary>Takes the native layer of the next forward pass on this thread for a layer's.</summary>
    public static IDisposable Learn(EmbeddingLayer layer)
    {
        _ = _redirected.Value;
        _learning = layer;
        return new Learning();
    }

    /// <summary>Lets a layer's passes through unchanged again.</summary>
    public static void Forget(EmbeddingLayer layer)
    {
        foreach ((nint native, EmbeddingLayer known) in _layers)
        {
            if (known == layer)
            {
                _layers.TryRemove(native, out _);
            }
        }
    }

    private static bool Redirect()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new OpenEmbeddingException("embedding layers of one's own modules need an x64 processor", JobExitCode.Failure);
        }

        var imports = new NativeImports("LibTorchSharp");
        nint chooseInput = (nint)(delegate* unmanaged<nint, nint, nint>)&ChooseInput;
        foreach (string forward in (string[])[EmbeddingForward, BagForward])
        {
            if (!imports.TryRedirect(forward, original => ForwardingCode.Create(chooseInput, original)))
            {
                throw new OpenEmbeddingException(
                    $"{imports.Path} does not call {forward}: embedding layers of one's own modules need TorchSharp 0.107 on Linux x64", JobExitCode.Failure);
            }
        }

        return true;
    }

    /// <summary>Tells which tensor a native layer shall look up in the place of its input.</summary>
    [UnmanagedCallersOnly]
    private static nint ChooseInput(nint native, nint input)
    {
        if (_learning is { } learning)
        {
            _learning = null;
            _layers[native] = learning;
            return input;
        }

        if (!_layers.TryGetValue(native, out EmbeddingLayer? layer))
        {
            return input;
        }

        // The tensor belongs to the caller.
        Tensor ids = Tensor.UnsafeCreateTensor(input).DetachFromDisposeScope();
        Tensor positions = layer.Enter(ids);
        ids.DecoupleFromNativeHandle();
        return positions.Handle;
    }

    private sealed class Learning : IDisposable
    {
        public void Dispose() => _learning = null;
    }
}
