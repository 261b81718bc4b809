using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Models.Embeddings;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer;

/// <summary>The embedding layers of a model whose rows are on the servers: pulls rows in a forward pass, pushes gradients after the backward pass.</summary>
internal sealed unsafe class ServedEmbeddings : IRowSource, IDisposable
{
    private readonly Cluster _cluster;
    private readonly DistributedOptions _options;
    private readonly List<EmbeddingLayer> _layers;

    // The pull of each pass, in the place that the pass has in EmbeddingLayer.Passes.
    private readonly Dictionary<EmbeddingLayer, List<PullTicket>> _tickets;
    private SparseRule? _rule;
    private long _step;
    private bool _hasPulled;

    public ServedEmbeddings(Cluster cluster, IEnumerable<EmbeddingLayer> layers, DistributedOptions options)
    {
        _cluster = cluster;
        _options = options;
        _layers = [.. layers];
        _tickets = _layers.ToDictionary(layer => layer, _ => new List<PullTicket>());
        foreach (EmbeddingLayer layer in _layers)
        {
            layer.Attach(this);
        }
    }

    /// <summary>Steps pushed.</summary>
    public long Steps => _step;

    /// <summary>The tables, once they have a rule.</summary>
    public IReadOnlyList<TableOptions> Tables { get; private set; } = [];

    /// <summary>Whether the rows are those of a checkpoint.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>Whether all rows have their initial values: nothing was loaded and no forward pass asked for rows.</summary>
    public bool IsUntouched => !IsLoaded && !_hasPulled && _step == 0;

    /// <summary>Makes the tables with their rule, on all trainers together, before the first pull.</summary>
    public void CreateTables(SparseRule rule)
    {
        _rule = rule;
        Tables = [.. _layers.Select(layer => new TableOptions
        {
            Name = layer.Name,
            Kind = _options.Kind,
            Vocabulary = _options.Kind == TableKind.Array ? layer.Vocabulary : 0,
            Dimension = layer.Dimension,
            ElementType = layer.ElementType,
            Initializer = _options.Initializer,
            Optimizer = rule.Optimizer,
            L2 = rule.L2,
            Seed = _options.Seed,
            Growth = _options.Growth,
        })];
        _cluster.Store.CreateTables(Tables);
    }

    /// <inheritdoc/>
    public Tensor Pull(EmbeddingLayer layer, ReadOnlySpan<long> ids, Span<long> positions, bool learns)
    {
        try
        {
            return PullRows(layer, ids, positions, learns);
        }
        catch (Exception failure)
        {
            // Native code calls, through which no exception can pass.
            _cluster.Fail(failure);
            throw;
        }
    }

    /// <summary>Sends the gradients of the step, times a factor, and forgets its passes.</summary>
    public void Push(double factor)
    {
        var blocks = new List<GradientBlock>();
        var gradients = new List<Tensor>();
        foreach (EmbeddingLayer layer in _layers)
        {
            for (int i = 0; i < layer.Passes.Count; i++)
            {
                if (layer.Passes[i].TakeGradient() is { } gradient)
                {
                    gradient.mul_(factor);
                    gradients.Add(gradient);
                    fixed (byte* data = gradient.bytes)
                    {
                        blocks.Add(new GradientBlock(_tickets[layer][i], [[(nint)data]]));
                    }
                }
            }
        }

        _cluster.Store.Push(_step++, blocks);
        gradients.ForEach(gradient => gradient.Dispose());
        Clear();
    }

    /// <summary>Sets the gradients of the passes since the last step to zero.</summary>
    public void ZeroGradients()
    {
        foreach (PassOfLayer pass in _layers.SelectMany(layer => layer.Passes))
        {
            pass.Rows.grad?.zero_();
        }
    }

    private void Clear()
    {
        foreach (EmbeddingLayer layer in _layers)
        {
            layer.Clear();
            _tickets[layer].ForEach(ticket => ticket.Dispose());
            _tickets[layer].Clear();
        }
    }

    public void Dispose()
    {
        Clear();
        _layers.ForEach(layer => layer.Dispose());
    }

    private Tensor PullRows(EmbeddingLayer layer, ReadOnlySpan<long> ids, Span<long> positions, bool learns)
    {
        if (_rule is null)
        {
            throw new OpenEmbeddingException(
                $"embedding layer {layer.Name} was used before its rows had a rule; call cluster.DistributedOptimizer(…) before the first forward pass",
                JobExitCode.Configuration);
        }

        _hasPulled = true;
        var keys = new KeyBatch();
        keys.Plan(ids, _options.Kind, _cluster.Store.Shards);
        keys.Positions.CopyTo(positions);
        PullTicket ticket = _cluster.Store.BeginPull(
            _step, learns ? PullMode.Train : PullMode.Evaluate, [new PullSection(keys, [_layers.IndexOf(layer)])]);
        ScalarType type = layer.ElementType == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor rows = empty([keys.Keys.Length, layer.Dimension], dtype: type);
        ticket.Wait();
        fixed (byte* data = rows.bytes)
        {
            ticket.CopyRows(0, 0, (nint)data);
        }

        if (learns)
        {
            _tickets[layer].Add(ticket);
        }
        else
        {
            ticket.Dispose();
        }

        return rows;
    }
}
