using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.Trainer;

/// <content>Several models in one job.</content>
public sealed partial class Cluster
{
    private readonly List<Cluster> _others = [];
    private readonly Cluster _first;

    private Cluster(Cluster first, int model)
    {
        _first = first;
        _model = model;
        _communication = first._communication;
        _options = first._options;
        _layout = first._layout;
        _replicated = first._replicated;
        _replicas = first._replicas?.Duplicate();
        Trainers = first.Trainers;
    }

    /// <summary>
    /// Makes the cluster of one more model, on the same trainers and servers: it has tables, steps, an optimizer and checkpoints of its own. Every
    /// trainer calls it, in the same order, before the first cluster is disposed.
    /// </summary>
    /// <remarks>
    /// The models take their steps in the order of the program, each as often as it likes. With tiered storage each has a cache of the size given to
    /// <see cref="Start"/>, and files in a folder of its own.
    /// </remarks>
    /// <example>
    /// <code>
    /// using var cluster = Cluster.Start();
    /// using var second = cluster.ForAnotherModel();
    /// var ranking = cluster.DistributedModel(new Ranking());
    /// var retrieval = second.DistributedModel(new Retrieval());
    /// </code>
    /// </example>
    /// <exception cref="OpenEmbeddingException">A job has seven models already.</exception>
    public Cluster ForAnotherModel()
    {
        if (_first != this)
        {
            return _first.ForAnotherModel();
        }

        int model = Protocol.FirstModel + _others.Count + 1;
        if (model > Protocol.MostModels)
        {
            throw new OpenEmbeddingException($"this job has {_others.Count + 1} models, which is the most", JobExitCode.Configuration);
        }

        // The servers hear of it before any message of the model; without servers there is nobody to tell.
        _ = Store;
        _servers?.OpenModel(model);
        var another = new Cluster(this, model);
        _others.Add(another);
        return another;
    }

    private void ServeAnother(int model)
    {
        StorageOptions? storage = _storage is null
            ? null
            : _storage with { Path = Path.Combine(_storage.Path, string.Create(CultureInfo.InvariantCulture, $"model-{model}")) };
        var server = new EmbeddingServer(_communication.Messenger, _layout, _options.Staleness, _options.Wire, storage, model)
        {
            Timeline = TimelineLane(LaneName("server", model)),
            Threads = _serverThreads,
        };
        server.Run();
    }

    private static string LaneName(string name, int model) => model == Protocol.FirstModel ? name : $"{name}, model {model}";
}
