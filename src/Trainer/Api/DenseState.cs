using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer;

/// <summary>The dense weights and buffers of somebody's module and the state of their torch optimizer, as arrays of a checkpoint.</summary>
/// <remarks>
/// The state of a parameter is <c>dense/NAME/torch.OPTIMIZER</c>, bytes as TorchSharp itself writes them. What the optimizer was made with, as the
/// learning rate, is not in it.
/// </remarks>
internal sealed class DenseState
{
    private readonly nn.Module _module;

    // As long as no pass has put rows in the place of the layers' empty weights.
    private readonly (string Name, Tensor Tensor)[] _parameters;

    /// <summary>Takes the dense parameters of a module whose embedding layers are attached.</summary>
    public DenseState(nn.Module module)
    {
        _module = module;
        _parameters = [.. module.named_parameters().Where(named => named.parameter.numel() > 0).Select(named => (named.name, (Tensor)named.parameter))];
    }

    /// <summary>Copies all weights and buffers, and with an optimizer the state of each weight.</summary>
    /// <exception cref="OpenEmbeddingException">An element type or the optimizer cannot be written.</exception>
    public IReadOnlyList<NamedArray> Export(optim.Optimizer? optimizer)
    {
        var arrays = new List<NamedArray>();
        foreach ((string name, Tensor tensor) in Tensors())
        {
            arrays.Add(new NamedArray(DenseArrays.NameOf(name), TypeOf(name, tensor), tensor.shape, tensor.bytes.ToArray()));
        }

        if (optimizer is not null)
        {
            foreach ((string name, OptimizerState state) in StatesOf(optimizer))
            {
                using var bytes = new MemoryStream();
                using (var writer = new BinaryWriter(bytes))
                {
                    state.SaveStateDict(writer);
                }

                byte[] data = bytes.ToArray();
                arrays.Add(new NamedArray(StateName(name, optimizer), "U8", [data.Length], data));
            }
        }

        return arrays;
    }

    /// <summary>Takes what <see cref="Export"/> gave.</summary>
    /// <param name="arrays">The arrays.</param>
    /// <param name="optimizer">Takes the state of its weights; null leaves it.</param>
    /// <returns>Whether the optimizer's state was there; else it is as before.</returns>
    /// <exception cref="OpenEmbeddingException">An array is missing, or has another shape or type.</exception>
    public bool Import(DenseArrays arrays, optim.Optimizer? optimizer)
    {
        foreach ((string name, Tensor tensor) in Tensors())
        {
            arrays.Get(DenseArrays.NameOf(name), TypeOf(name, tensor), tensor.shape).Data.Span.CopyTo(tensor.bytes);
        }

        if (optimizer is null)
        {
            return true;
        }

        (OptimizerState State, NamedArray? Array)[] states = [.. StatesOf(optimizer).Select(named => (named.State, arrays.Find(StateName(named.Name, optimizer))))];
        if (Array.Exists(states, state => state.Array is null))
        {
            return false;
        }

        foreach ((OptimizerState state, NamedArray? array) in states)
        {
            using var reader = new BinaryReader(new MemoryStream(array!.Data.ToArray()));
            state.LoadStateDict(reader);
        }

        return true;
    }

    private static string StateName(string parameter, optim.Optimizer optimizer) =>
        $"{DenseArrays.NameOf(parameter)}/torch.{optimizer.GetType().Name}";

    /// <summary>The safetensors format's name of a tensor's element type.</summary>
    /// <exception cref="OpenEmbeddingException">There is none.</exception>
    internal static string TypeOf(string name, Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Float64 => "F64",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Int64 => "I64",
        ScalarType.Int32 => "I32",
        ScalarType.Int16 => "I16",
        ScalarType.Int8 => "I8",
        ScalarType.Byte => "U8",
        ScalarType.Bool => "BOOL",
        ScalarType other => throw new OpenEmbeddingException(
            $"dense tensor {name}: elements of {other} are not saved; allowed: floating-point numbers, integers, bool", JobExitCode.Configuration),
    };

    private IEnumerable<(string Name, Tensor Tensor)> Tensors() =>
        [.. _parameters, .. _module.named_buffers().Where(named => named.buffer.numel() > 0).Select(named => (named.name, named.buffer))];

    /// <summary>The state of each dense weight, by the weight's name.</summary>
    private IEnumerable<(string Name, OptimizerState State)> StatesOf(optim.Optimizer optimizer)
    {
        if (optimizer is not OptimizerHelper helper)
        {
            throw new OpenEmbeddingException(
                $"the state of optimizer {optimizer.GetType().Name} is not saved; allowed: optimizers that TorchSharp implements itself, or SaveWeights",
                JobExitCode.Configuration);
        }

        // Objects for the same parameter may differ, its memory does not.
        var names = new Dictionary<nint, string>();
        foreach ((string name, Tensor parameter) in _parameters)
        {
            names.TryAdd(AddressOf(parameter), name);
        }

        optim.Optimizer.StateDictionary all = helper.state_dict();
        foreach ((Parameter parameter, int index) in helper.parameters().Zip(all.StateIndexRef.SelectMany(group => group)))
        {
            if (parameter.numel() == 0)
            {
                continue;
            }

            yield return names.TryGetValue(AddressOf(parameter), out string? name)
                ? (name, all.State[index])
                : throw new OpenEmbeddingException(
                    $"the optimizer has a parameter [{string.Join(", ", parameter.shape)}] that the model does not have; a checkpoint holds those of the model",
                    JobExitCode.Configuration);
        }
    }

    private static nint AddressOf(Tensor tensor)
    {
        ref byte first = ref MemoryMarshal.GetReference(tensor.bytes);
        unsafe
        {
            fixed (byte* address = &first) // torch's memory, which does not move
            {
                return (nint)address;
            }
        }
    }
}
