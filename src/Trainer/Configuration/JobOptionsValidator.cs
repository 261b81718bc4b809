using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Checks what one key alone cannot tell.</summary>
/// <remarks>Keys without meaning for the chosen model or strategy are not looked at, so that one file serves all.</remarks>
internal static partial class JobOptionsValidator
{
    /// <summary>Throws the fault of the first rule that the job breaks.</summary>
    public static void Check(JobOptions job)
    {
        CheckColumns(job.Data);
        CheckDefaults(job.Data);
        CheckSharedTables(job.Data);
        CheckDimensions(job);
        CheckCsv(job.Data);
        CheckVocabulary(job);
        CheckShuffle(job.Data);
        CheckScale(job.Data);
        CheckModel(job);
        CheckInitializer(job.Embedding.Initializer);
        CheckTables(job);
        CheckGrowth(job);
        CheckCluster(job.Cluster);
        CheckResume(job.Checkpoint);
        CheckSchedule(job);
        CheckTests(job);
        CheckOutput(job);
    }

    private static void CheckModel(JobOptions job)
    {
        ModelOptions model = job.Model;
        bool pairs = job.Data.Sparse.Count > 1 || (model.Name == ModelName.Dlrm && job.Data.Dense.Count > 0);
        if (model.Name is ModelName.FiBiNet or ModelName.Dlrm && !pairs)
        {
            throw Fault(
                "model.name", $"model.name = \"{(model.Name == ModelName.Dlrm ? "DLRM" : "FiBiNET")}\" needs two columns in data.sparse, whose pairs it takes", "data.sparse");
        }

        if (model.MixedPrecision && model.Dtype != ElementType.Float32)
        {
            throw Fault("model.mixed_precision", "model.mixed_precision needs model.dtype = \"float32\"", "model.dtype");
        }

        if (model.Name != ModelName.XDeepFM || !model.CinSplitHalf)
        {
            return;
        }

        for (int i = 0; i < model.CinLayerSize.Count - 1; i++)
        {
            if (model.CinLayerSize[i] % 2 != 0)
            {
                throw Fault(
                    "model.cin_layer_size",
                    $"model.cin_layer_size[{i}] = {model.CinLayerSize[i]} is not even, as every size but the last must be with model.cin_split_half",
                    "model.name",
                    "model.cin_split_half");
            }
        }
    }

    private static void CheckInitializer(InitializerOptions initializer)
    {
        if (initializer is RandomUniformOptions uniform && uniform.Minimum > uniform.Maximum)
        {
            throw Fault(
                "embedding.initializer",
                $"embedding.initializer.minimum = {uniform.Minimum} is above embedding.initializer.maximum = {uniform.Maximum}");
        }
    }

    private static void CheckResume(CheckpointOptions checkpoint)
    {
        if (checkpoint is { Resume: true, Directory: null })
        {
            throw Fault(
                "checkpoint.resume", "checkpoint.resume = true needs checkpoint.directory, the folder from which training goes on", "checkpoint.directory");
        }
    }

    private static void CheckSchedule(JobOptions job)
    {
        RateSchedule schedule = job.Schedule;
        if (schedule.Curve == RateCurve.Constant)
        {
            return;
        }

        if (schedule.DecaySteps is null)
        {
            throw Fault(
                "schedule.decay_steps",
                $"schedule.decay_steps is missing; schedule.curve = \"{schedule.Curve.ToString().ToLowerInvariant()}\" needs it, the steps of its way down",
                "schedule.curve");
        }

        bool ftrl = job.Optimizer is FtrlOptions || job.Embedding.Optimizer is FtrlOptions;
        if (ftrl && schedule is { End: 0, Curve: RateCurve.Cosine or RateCurve.Polynomial })
        {
            throw Fault("schedule.end", "schedule.end = 0 does not go with Ftrl, which divides by the learning rate; allowed: above 0, up to 1", "schedule.curve", "optimizer", "embedding.optimizer");
        }
    }

    private static void CheckTests(JobOptions job)
    {
        string? needs = job.Train.TestEverySteps is not null ? "train.test_every_steps"
            : job.Train.TestGroupBy is not null ? "train.test_group_by"
            : job.EarlyStopping.Patience is not null ? "early_stopping.patience"
            : null;
        if (needs is not null && job.Data.Test is null)
        {
            throw Fault(needs, $"{needs} needs data.test, the rows that are tested", "data.test");
        }

        string[] names = [.. job.Data.Sparse.Where(sparse => !sparse.IsMultiHot).Select(sparse => sparse.Name)];
        if (job.Train.TestGroupBy is { } column && !names.Contains(column))
        {
            throw Fault(
                "train.test_group_by", $"train.test_group_by = \"{column}\" is not a column of data.sparse; allowed: {string.Join(", ", names)}", "data.sparse");
        }
    }

    private static void CheckOutput(JobOptions job)
    {
        if (job.Output is { ExportDense: not null, Model: null })
        {
            throw Fault("output.export_dense", "output.export_dense needs output.model, from which shards load the tables", "output.model");
        }

        if (job.Output.ExportDense is not null && job.Data.Sparse.FirstOrDefault(column => column.IsMultiHot || column.Table is not null || column.Dimension is not null) is { } special)
        {
            throw Fault(
                "output.export_dense",
                $"output.export_dense does not go with a column of several categories, with rows of another or of a dimension of its own, as \"{special.Name}\"; allowed: output.export",
                "data.sparse");
        }

        if (job.Output.Predictions is null)
        {
            return;
        }

        if (job.Data.Test is null)
        {
            throw Fault("output.predictions", "output.predictions needs data.test, the rows that are predicted", "data.test");
        }

        if (job.Data.Shard != ShardRule.Rows)
        {
            throw Fault(
                "output.predictions", "output.predictions needs data.shard = \"rows\": trainers with files of their own do not read in the order of the rows", "data.shard");
        }
    }

    private static void CheckTables(JobOptions job)
    {
        if (job.Embedding.Kind == TableKind.Hash && job.Data.SparseIds == SparseIds.Modulo)
        {
            throw Fault(
                "data.sparse_ids",
                "data.sparse_ids = \"modulo\" does not go with embedding.kind = \"hash\": "
                + "the columns would share rows; allowed: \"hash\"",
                "embedding.kind");
        }

        if (job.Embedding.Kind == TableKind.Array && job.Data.SparseIds == SparseIds.Hash)
        {
            throw Fault(
                "data.sparse_ids",
                "data.sparse_ids = \"hash\" does not go with embedding.kind = \"array\": "
                + "keys have no limit; allowed: \"modulo\", or embedding.kind = \"hash\"",
                "embedding.kind");
        }

        if (job.Embedding.Kind == TableKind.Hash && job.Cluster.Strategy == ClusterStrategy.AllReduce)
        {
            throw Fault(
                "cluster.strategy",
                "cluster.strategy = \"allreduce\" does not go with embedding.kind = \"hash\": "
                + "a hash table has no dense gradient; allowed: \"ps\", \"allgather\"",
                "embedding.kind");
        }

        if (job.Embedding.Storage == StorageKind.Tiered && job.Cluster.Strategy != ClusterStrategy.Ps)
        {
            throw Fault(
                "embedding.storage",
                "embedding.storage = \"tiered\" needs cluster.strategy = \"ps\": only servers have files; allowed: \"memory\"",
                "cluster.strategy");
        }
    }

    private static void CheckGrowth(JobOptions job)
    {
        if (!job.Embedding.Growth.IsOn)
        {
            return;
        }

        if (job.Embedding.Kind != TableKind.Hash)
        {
            throw Fault(
                "embedding.growth",
                "embedding.growth needs embedding.kind = \"hash\": the vocabulary bounds an array table",
                "embedding.kind");
        }

        if (job.Embedding.Storage != StorageKind.Memory)
        {
            throw Fault(
                "embedding.growth",
                "embedding.growth does not go with embedding.storage = \"tiered\": rows in files stay; allowed: \"memory\"",
                "embedding.storage");
        }

        if (job.Cluster.HotRows > 0 && job.Cluster.Strategy == ClusterStrategy.Ps)
        {
            throw Fault(
                "embedding.growth",
                $"embedding.growth does not go with cluster.hot_rows = {job.Cluster.HotRows}: only servers let rows go; allowed: 0",
                "cluster.hot_rows");
        }
    }

    private static void CheckCluster(ClusterOptions cluster)
    {
        if (cluster.Staleness > 0 && cluster.Strategy != ClusterStrategy.Ps)
        {
            throw Fault(
                "cluster.staleness",
                $"cluster.staleness = {cluster.Staleness} needs cluster.strategy = \"ps\"; the others allow 0 only",
                "cluster.strategy");
        }

        if (cluster.HotRows > 0 && cluster.Staleness > 0)
        {
            throw Fault(
                "cluster.hot_rows",
                $"cluster.hot_rows = {cluster.HotRows} does not go with cluster.staleness = {cluster.Staleness}: "
                + "the trainers sum the gradients of hot rows in every step; allowed: 0, or cluster.staleness = 0",
                "cluster.staleness");
        }
    }

    private static ConfigurationFault Fault(string key, string message, params IEnumerable<string> others) =>
        new(new KeyPath(key), message, [.. others.Select(other => new KeyPath(other))]);
}
