using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.Trainer.Models.Embeddings;
using OpenEmbedding.Trainer.Training;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer;

/// <content>Any module with embedding layers, made distributed.</content>
public sealed partial class Cluster
{
    private ServedEmbeddings? _served;
    private DenseState? _dense;

    /// <summary>
    /// Moves the embedding layers of a module to the servers, and gives all trainers the dense weights of the first one.
    /// </summary>
    /// <typeparam name="T">The module's own type; it is used as before.</typeparam>
    /// <param name="module">
    /// Any module. Its <c>torch.nn.Embedding</c> and <c>EmbeddingBag</c> layers may be on the meta device, where a table of any size takes no memory.
    /// </param>
    /// <param name="options">Initial values, the kind of tables, and which layers stay; by default all move.</param>
    /// <returns>The same module. Its <c>parameters()</c> are the dense ones now.</returns>
    /// <exception cref="OpenEmbeddingException">A layer has an option that rows on servers cannot honour, or this cluster has a model already.</exception>
    public T DistributedModel<T>(T module, DistributedOptions? options = null)
        where T : nn.Module
    {
        if (_served is not null)
        {
            throw new OpenEmbeddingException("this cluster has a model already; cluster.ForAnotherModel() makes one for the next", JobExitCode.Configuration);
        }

        options ??= new DistributedOptions();
        _served = new ServedEmbeddings(
            this, EmbeddingLayers.Find(module).Where(layer => layer.Vocabulary > options.SparseAsDenseSize), options);
        _dense = new DenseState(module);
        using var noGradients = no_grad();
        foreach ((string name, Tensor parameter) in module.named_parameters())
        {
            Trainers.Broadcast(parameter.bytes, root: 0, $"initial {name}");
        }

        return module;
    }

    /// <summary>Makes the optimizer of the model: <paramref name="optimizer"/> for its dense parameters, the same rule for its embedding rows.</summary>
    /// <param name="optimizer">SGD, Adagrad, Adadelta, Adam, Adamax, NAdam or RMSprop of torch over <c>model.parameters()</c>.</param>
    /// <param name="rows">A rule of their own for the rows, for instance <see cref="FtrlOptions"/>; then any torch optimizer is allowed.</param>
    /// <exception cref="OpenEmbeddingException">There is no model yet, or the optimizer has no rule for rows.</exception>
    public DistributedOptimizer DistributedOptimizer(optim.Optimizer optimizer, OptimizerOptions? rows = null)
    {
        ServedEmbeddings served = _served ?? throw new OpenEmbeddingException(
            "there is no model to optimize yet; call cluster.DistributedModel(…) first", JobExitCode.Configuration);
        served.CreateTables(rows is null ? SparseRule.From(optimizer) : new SparseRule(rows, 0));
        _optimizer = optimizer;
        return new DistributedOptimizer(this, optimizer, served);
    }

    /// <summary>Prints what went wrong on this rank and ends the whole job.</summary>
    internal void Fail(Exception failure) => RankFailure.End(_communication, failure);
}
