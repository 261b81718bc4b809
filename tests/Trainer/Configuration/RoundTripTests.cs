using CsCheck;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class RoundTripTests : IDisposable
{
    /// <summary>Keys whose values depend on each other are left to the tests of those rules.</summary>
    private static readonly string[] _tied =
    [
        "data.columns", "data.delimiter", "data.label", "data.dense_defaults", "data.dense_scale", "data.sparse", "data.sparse_ids", "data.vocabulary", "data.test.rows", "model.cin_layer_size",
        "embedding.kind", "embedding.storage", "cluster.staleness", "embedding.initializer.minimum", "embedding.initializer.maximum",
        "model.name", "model.mixed_precision", "schedule.curve", "train.test_every_steps", "train.test_group_by", "early_stopping.patience", "checkpoint.resume", "output.predictions",
        "output.export_dense",
    ];

    private static readonly Gen<ConfigurationOverride> _override =
        Gen.OneOfConst([.. ConfigurationKeys.All.Where(entry => entry.Variants.Count == 0 && !_tied.Contains(entry.Path) && !entry.Path.StartsWith("embedding.growth.", StringComparison.Ordinal))])
            .SelectMany(entry => Sample.Of(entry.Type).Select(value => new ConfigurationOverride(entry.Path, value)));

    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_reads_back_as_the_same_job()
    {
        _override.List[0, 12].Sample(
            overrides =>
            {
                JobOptions job = JobOptions.Read(null, [new("data.train", "a"), .. overrides]);
                JobOptions again = JobOptions.Read(_folder.Write(job.ToJson()));
                Assert.Equal(job.ToJson(), again.ToJson());
                Assert.Equal(job.Hash, again.Hash);
            },
            threads: 1);
    }

    [Fact]
    public void The_hash_sees_every_section_but_the_output()
    {
        string Hash(params string[] overrides) => ConfigurationFolder.LoadArguments(["--data=a", .. overrides]).Hash;

        string hash = Hash();
        Assert.Equal(hash, Hash("--output.summary=s.json", "--output.progress=none", "--train.batch_size=4096"));
        string[] others =
        [
            Hash("--data.vocabulary=7"), Hash("--model=LR"), Hash("--embedding_dim=8"), Hash("--optimizer=SGD"), Hash("--epochs=2"), Hash("--server=colocated"),
            Hash("--cluster.wire.pull=bfloat16"), Hash("--cluster.wire.keys=lz4"),
        ];
        Assert.Equal(others.Length + 1, others.Append(hash).Distinct().Count());
    }
}
