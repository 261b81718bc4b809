using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>
/// Applies an update rule to the dense parameters, the same rules that the servers apply to rows. All gradients lie in one flat buffer, as
/// they travel, so that one all-reduce sums them.
/// </summary>
/// <remarks>Used from one thread. All parameters have one element type, float32 or float64, and are on the CPU.</remarks>
public sealed unsafe partial class DenseOptimizer : IDisposable
{
    private const int Alignment = 64;
    private readonly DenseParameter[] _parameters;
    private readonly RowOptimizer _rule;
    private readonly int _elementBytes;
    private readonly WireFormat _format;
    private readonly double? _clipValue;
    private readonly double? _clipNorm;
    private readonly byte* _gradients;

    // The gradients as they travel: the same memory, unless they are converted.
    private readonly byte* _sent;
    private readonly byte*[] _slots;

    /// <summary>Takes the parameters over; their weights change in place at every <see cref="Step"/>.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="options">The rule.</param>
    /// <param name="sent">The type in which gradients travel, float32, float16 or bfloat16; by default that of the parameters.</param>
    /// <param name="clipValue">The largest magnitude of an element of a summed gradient; null: any.</param>
    /// <param name="clipNorm">The largest L2 norm of the summed gradient of a parameter; null: any.</param>
    /// <exception cref="OpenEmbeddingException">An option of the rule is out of range, or the parameters' types differ.</exception>
    public DenseOptimizer(IEnumerable<DenseParameter> parameters, OptimizerOptions options, ElementType? sent = null, double? clipValue = null, double? clipNorm = null)
    {
        _clipValue = clipValue;
        _clipNorm = clipNorm;
        _parameters = [.. parameters];
        ElementType = _parameters.All(named => named.Parameter.dtype == ScalarType.Float64) ? ElementType.Float64 : ElementType.Float32;
        if (ElementType == ElementType.Float32 && _parameters.FirstOrDefault(named => named.Parameter.dtype != ScalarType.Float32) is { } odd)
        {
            throw new OpenEmbeddingException(
                $"dense parameters are all float32 or all float64; {odd.Name} is {odd.Parameter.dtype}", JobExitCode.Configuration);
        }

        _elementBytes = ElementType == ElementType.Float64 ? sizeof(double) : sizeof(float);
        _rule = RowOptimizer.Create(options, ElementType);
        Count = _parameters.Sum(named => named.Parameter.numel());
        _format = WireFormat.OfGradients(ElementType, sent);
        _gradients = Allocate(Count * _elementBytes);
        _sent = _format.Converts ? Allocate(Count * _format.SentBytes) : _gradients;
        _slots = new byte*[_parameters.Length];
        for (int i = 0; i < _parameters.Length; i++)
        {
            long elements = _parameters[i].Parameter.numel();
            _slots[i] = Allocate(_rule.SlotBytes(elements));
            _rule.InitializeSlots((nint)_slots[i], elements);
        }
    }

    /// <summary>The type of all parameters.</summary>
    public ElementType ElementType { get; }

    /// <summary>Elements of all parameters together.</summary>
    public long Count { get; }

    /// <summary>The type in which the gradients travel.</summary>
    public ElementType SentType => _format.Sent;

    /// <summary>The flat gradients as they travel, [<see cref="Count"/>] of <see cref="SentType"/>, one parameter after another.</summary>
    public nint Gradients => (nint)_sent;

    /// <summary>Sets the flat gradients to zero and takes those of the parameters away, so that a backward pass leaves its own in their place.</summary>
    public void ZeroGradients()
    {
        NativeMemory.Clear(_sent, (nuint)(Count * _format.SentBytes));
        foreach (DenseParameter named in _parameters)
        {
            named.Parameter.grad = null;
        }
    }

    /// <summary>Copies what a backward pass left in the parameters to the flat gradients; zeros where none reached a parameter.</summary>
    public void CollectGradients()
    {
        byte* target = _sent;
        foreach (DenseParameter named in _parameters)
        {
            long elements = named.Parameter.numel();
            using Tensor? gradient = named.Parameter.grad;
            if (gradient is null)
            {
                NativeMemory.Clear(target, (nuint)(elements * _format.SentBytes));
            }
            else
            {
                using Tensor dense = gradient.contiguous();

                // Nobody else has the tensor, so its memory stays.
                fixed (byte* source = dense.bytes)
                {
                    _format.Write((nint)source, (nint)target, elements);
                }
            }

            target += elements * _format.SentBytes;
        }
    }

    /// <summary>Takes gradients that were computed elsewhere, in the place of <see cref="CollectGradients"/>.</summary>
    /// <param name="flat">Their address, [<see cref="Count"/>] of <see cref="ElementType"/>, one parameter after another.</param>
    public void TakeGradients(nint flat) => _format.Write(flat, (nint)_sent, Count);

    /// <summary>Moves the parameters by the flat gradients, which must be those of all trainers by now.</summary>
    /// <param name="rateFactor">What multiplies the learning rate.</param>
    public void Step(double rateFactor = 1)
    {
        _rule.RateFactor = rateFactor;
        if (_format.Converts)
        {
            _format.Read((nint)_sent, (nint)_gradients, Count);
        }

        byte* gradient = _gradients;
        for (int i = 0; i < _parameters.Length; i++)
        {
            // The parameter's memory stays where it is for its lifetime; torch computes nothing meanwhile.
            fixed (byte* weights = _parameters[i].Parameter.bytes)
            {
                long elements = _parameters[i].Parameter.numel();
                Shape(weights, gradient, elements, new GradientShaping(_parameters[i].L2, _clipValue, _clipNorm));
                _rule.Update((nint)weights, (nint)_slots[i], (nint)gradient, elements);
                gradient += elements * _elementBytes;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_sent != _gradients)
        {
            NativeMemory.AlignedFree(_sent);
        }

        NativeMemory.AlignedFree(_gradients);
        foreach (byte* slots in _slots)
        {
            NativeMemory.AlignedFree(slots);
        }
    }

    private static byte* Allocate(long bytes) => (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);

    private static void Shape<T>(ReadOnlySpan<T> weights, Span<T> gradient, in GradientShaping shaping)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (shaping.L2 > 0)
        {
            T twiceL2 = T.CreateTruncating(2 * shaping.L2);
            for (int i = 0; i < weights.Length; i++)
            {
                gradient[i] += twiceL2 * weights[i];
            }
        }

        shaping.Clip(gradient);
    }

    private void Shape(byte* weights, byte* gradient, long elements, in GradientShaping shaping)
    {
        int count = checked((int)elements);
        if (ElementType == ElementType.Float64)
        {
            Shape(new ReadOnlySpan<double>(weights, count), new Span<double>(gradient, count), shaping);
        }
        else
        {
            Shape(new ReadOnlySpan<float>(weights, count), new Span<float>(gradient, count), shaping);
        }
    }
}
