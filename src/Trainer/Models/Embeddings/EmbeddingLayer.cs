using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>
/// A <see cref="Embedding"/> or <see cref="EmbeddingBag"/> of somebody's module. Once attached, each of its forward passes looks up the few rows
/// that it needs and that a source gives, whether the module calls <c>forward</c> or <c>call</c>; the module itself is not changed.
/// </summary>
/// <remarks>
/// The layer's weight is an empty parameter [0, dimension], which optimizers pass over; from a pass to <see cref="Clear"/> it is the rows of the
/// last pass. Padding index 0 keeps its meaning: it reads as zeros and does not learn. Used from one thread at a time.
/// </remarks>
public sealed class EmbeddingLayer : IDisposable
{
    private readonly nn.Module _module;
    private readonly List<PassOfLayer> _passes = [];
    private Parameter? _placeholder;
    private Parameter? _rows;
    private Tensor? _positions;
    private IRowSource? _source;
    private bool _padsWithZero;

    internal EmbeddingLayer(string name, nn.Module module)
    {
        Name = name;
        _module = module;
        using Parameter weight = Weight;
        Vocabulary = weight.shape[0];
        Dimension = checked((int)weight.shape[1]);
        Type = weight.dtype;
    }

    /// <summary>The layer's name in the module, as in its state dictionary.</summary>
    public string Name { get; }

    /// <summary>Number of rows; ids are 0 to <see cref="Vocabulary"/> − 1.</summary>
    public long Vocabulary { get; }

    /// <summary>Weights per row.</summary>
    public int Dimension { get; }

    /// <summary>The type of the weights.</summary>
    public ElementType ElementType => Type switch
    {
        ScalarType.Float32 => ElementType.Float32,
        ScalarType.Float64 => ElementType.Float64,
        _ => throw new OpenEmbeddingException(
            $"embedding layer {Name}: elements are float32 or float64, not {Type}", JobExitCode.Configuration),
    };

    /// <summary>The passes that recorded gradients since the last <see cref="Clear"/>, in their order.</summary>
    public IReadOnlyList<PassOfLayer> Passes => _passes;

    private ScalarType Type { get; }

    private Parameter Weight
    {
        get => (_module is Embedding embedding ? embedding.weight : ((EmbeddingBag)_module).weight)!;
        set
        {
            if (_module is Embedding embedding)
            {
                embedding.weight = value;
            }
            else
            {
                ((EmbeddingBag)_module).weight = value;
            }
        }
    }

    /// <summary>Lets every later forward pass take its rows from a source; the layer's own weight is given up.</summary>
    /// <exception cref="OpenEmbeddingException">The layer has an option that rows elsewhere cannot honour.</exception>
    public void Attach(IRowSource source)
    {
        using Parameter? own = _module.get_parameter("weight");
        _placeholder = new Parameter(Rows(0, 0));
        LearnOptions();
        Weight = _placeholder;
        _source = source;
    }

    /// <summary>Forgets the passes and their gradients.</summary>
    public void Clear()
    {
        Leave();
        foreach (PassOfLayer pass in _passes)
        {
            pass.Dispose();
        }

        _passes.Clear();
    }

    /// <summary>Ends the attachment; the layer stays without weights. Call it before the module is disposed.</summary>
    public void Dispose()
    {
        NativeForward.Forget(this);
        Clear();
        _source = null;
    }

    /// <summary>Puts the rows of a pass in the place of the weight; returns the pass' input, positions for ids in the same shape and type.</summary>
    internal Tensor Enter(Tensor input)
    {
        if (_source is null)
        {
            return input;
        }

        if (input.dtype is not (ScalarType.Int64 or ScalarType.Int32))
        {
            throw new OpenEmbeddingException($"embedding layer {Name}: ids are int64 or int32, not {input.dtype}", JobExitCode.Data);
        }

        Leave();
        using Tensor ids = input.to(ScalarType.Int64, CPU).contiguous();
        using Tensor positions = empty(input.shape, ScalarType.Int64);
        bool learns = is_grad_enabled();
        Tensor rows = Pull(_source, Elements(ids), Elements(positions), learns);
        _rows = new Parameter(rows, learns);
        _rows.DetachFromDisposeScope();
        Weight = _rows;
        if (learns)
        {
            _passes.Add(new PassOfLayer(_rows, _padsWithZero));
        }

        _positions = positions.to(input.dtype, copy: true).DetachFromDisposeScope();
        return _positions;
    }

    /// <summary>Ends the last pass: the layer has its empty weight again.</summary>
    private void Leave()
    {
        if (_rows is null)
        {
            return;
        }

        Weight = _placeholder!;
        _positions!.Dispose();
        if (_passes.Count == 0 || !ReferenceEquals(_passes[^1].Rows, _rows))
        {
            _rows.Dispose();
        }

        _rows = null;
    }

    private static Span<long> Elements(Tensor tensor) => MemoryMarshal.Cast<byte, long>(tensor.bytes);

    /// <summary>Pulls rows; with padding, row 0 is the padding's and does not come from the source.</summary>
    private Tensor Pull(IRowSource source, ReadOnlySpan<long> ids, Span<long> positions, bool learns)
    {
        if (!_padsWithZero)
        {
            return source.Pull(this, ids, positions, learns);
        }

        long[] others = ids.ToArray().Where(id => id != 0).ToArray();
        long[] othersPositions = new long[others.Length];
        using Tensor rows = source.Pull(this, others, othersPositions, learns);
        int next = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            positions[i] = ids[i] == 0 ? 0 : 1 + othersPositions[next++];
        }

        using Tensor padding = Rows(1, 0);
        return cat([padding, rows], 0);
    }

    /// <summary>
    /// Looks up one huge row of a weight of one row: torch does not tell a layer's options, but a padding index beyond fails, padding with 0
    /// stops the gradient and a maximal norm shortens the row. The pass also shows which native layer this is.
    /// </summary>
    private void LearnOptions()
    {
        const double Huge = 1e15;
        using DisposeScope scope = NewDisposeScope();
        using var recording = enable_grad();
        var row = new Parameter(Rows(1, Huge));
        Weight = row;
        Tensor input = zeros(_module is Embedding ? [1] : [1, 1], ScalarType.Int64);
        try
        {
            using var learning = NativeForward.Learn(this);
            Tensor output = _module is Embedding embedding ? embedding.forward(input) : ((EmbeddingBag)_module).forward(input, null, null);
            output.sum().backward();
        }
        catch (ExternalException problem) when (problem.Message.Contains("adding_idx", StringComparison.Ordinal))
        {
            throw new OpenEmbeddingException($"embedding layer {Name}: its padding index is not 0; allowed: none or 0", JobExitCode.Configuration);
        }

        using Tensor kept = row.eq(Huge).all();
        if (!kept.item<bool>())
        {
            throw new OpenEmbeddingException($"embedding layer {Name}: rows on servers know no max_norm; allowed: none", JobExitCode.Configuration);
        }

        using Tensor gradient = row.grad!.to_dense();
        _padsWithZero = gradient.count_nonzero().item<long>() == 0;
    }

    private Tensor Rows(long count, double value) => full([count, Dimension], value, dtype: Type).DetachFromDisposeScope();
}
