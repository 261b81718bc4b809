using System.Globalization;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.TestProgram;
using static TorchSharp.torch;

// Calls of the library on every rank: SITUATION FOLDER [STEPS | OTHER_FOLDER [STORAGE_FOLDER]].
using var cluster = Cluster.Start(
    args[0] switch
    {
        "pair-hot" => new ClusterOptions { HotRows = 500 },
        "pair-allgather" => new ClusterOptions { Strategy = ClusterStrategy.AllGather },
        _ => null,
    },
    args.Length > 3 ? new StorageOptions(args[3], CacheBytes: 20_000) : null);
var options = new DistributedOptions { Kind = TableKind.Hash };
var model = cluster.DistributedModel(new Logistic(vocabulary: 10_000, denseColumns: 13), options);
var optimizer = args[0] switch
{
    "sgd" => cluster.DistributedOptimizer(optim.SGD(model.parameters(), 0.1)),
    "ftrl" => cluster.DistributedOptimizer(optim.AdamW(model.parameters()), new FtrlOptions()),
    _ => cluster.DistributedOptimizer(optim.Adam(model.parameters(), lr: 0.01)),
};
var calls = new Calls(cluster, model, optimizer);
switch (args[0])
{
    case "weights":
        cluster.LoadWeights(args[1]);
        cluster.SaveWeights(args[2]);
        break;
    case "adam" or "sgd" or "ftrl":
        calls.TrainOnAndSave(args[1], int.Parse(args[2], CultureInfo.InvariantCulture));
        break;
    case "pair" or "pair-hot" or "pair-allgather":
        calls.TrainTwo(args[1], args[2]);
        break;
    case "best":
        calls.SaveTheBest(args[1]);
        break;
    case "refused":
        calls.AreRefused(args[1]);
        break;
    default:
        throw new ArgumentException($"There is no situation {args[0]}.");
}
