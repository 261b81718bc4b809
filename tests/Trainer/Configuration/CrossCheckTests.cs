using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class CrossCheckTests : IDisposable
{
    private const string Minimal = "{\"data\": {\"train\": \"a\"}}";

    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(
        "data.sparse_ids = \"modulo\" does not go with embedding.kind = \"hash\": the columns would share rows; allowed: \"hash\"",
        "--embedding.kind=hash", "--data.sparse_ids=modulo")]
    [InlineData(
        "data.sparse_ids = \"hash\" does not go with embedding.kind = \"array\": keys have no limit; allowed: \"modulo\", or embedding.kind = \"hash\"",
        "--data.sparse_ids=hash")]
    [InlineData(
        "cluster.strategy = \"allreduce\" does not go with embedding.kind = \"hash\": a hash table has no dense gradient; allowed: \"ps\", \"allgather\"",
        "--embedding.kind=hash", "--cluster.strategy=allreduce")]
    [InlineData(
        "embedding.storage = \"tiered\" needs cluster.strategy = \"ps\": only servers have files; allowed: \"memory\"",
        "--embedding.storage=tiered", "--cluster.strategy=allgather")]
    [InlineData(
        "embedding.growth needs embedding.kind = \"hash\": the vocabulary bounds an array table",
        "--embedding.growth.min_count=2")]
    [InlineData(
        "embedding.growth does not go with embedding.storage = \"tiered\": rows in files stay; allowed: \"memory\"",
        "--embedding.growth.max_rows=2", "--embedding.kind=hash", "--embedding.storage=tiered")]
    [InlineData(
        "embedding.growth does not go with cluster.hot_rows = 7: only servers let rows go; allowed: 0",
        "--embedding.growth.max_idle_steps=2", "--embedding.kind=hash", "--cluster.hot_rows=7")]
    [InlineData("cluster.staleness = 2 needs cluster.strategy = \"ps\"; the others allow 0 only", "--cluster.staleness=2", "--cluster.strategy=allgather")]
    [InlineData(
        "cluster.hot_rows = 10 does not go with cluster.staleness = 2: the trainers sum the gradients of hot rows in every step; allowed: 0, or cluster.staleness = 0",
        "--cluster.hot_rows=10", "--cluster.staleness=2")]
    [InlineData("output.predictions needs data.test, the rows that are predicted", "--output.predictions=p")]
    [InlineData(
        "output.predictions needs data.shard = \"rows\": trainers with files of their own do not read in the order of the rows",
        "--output.predictions=p", "--data.test=b", "--data.shard=files")]
    [InlineData("model.mixed_precision needs model.dtype = \"float32\"", "--model.mixed_precision=true", "--model.dtype=float64")]
    [InlineData("train.test_every_steps needs data.test, the rows that are tested", "--train.test_every_steps=5")]
    [InlineData(
        "train.test_group_by = \"user\" is not a column of data.sparse; allowed: C1, C2", "--train.test_group_by=user", "--data.test=b", "--data.sparse=C1,C2")]
    [InlineData("early_stopping.patience needs data.test, the rows that are tested", "--early_stopping.patience=5")]
    [InlineData("schedule.decay_steps is missing; schedule.curve = \"cosine\" needs it, the steps of its way down", "--schedule.curve=cosine")]
    [InlineData(
        "schedule.end = 0 does not go with Ftrl, which divides by the learning rate; allowed: above 0, up to 1",
        "--schedule.curve=polynomial", "--schedule.decay_steps=5", "--embedding.optimizer=Ftrl")]
    [InlineData("model.name = \"FiBiNET\" needs two columns in data.sparse, whose pairs it takes", "--model=FiBiNET", "--data.sparse=C1")]
    [InlineData("model.name = \"DLRM\" needs two columns in data.sparse, whose pairs it takes", "--model=DLRM", "--data.sparse=C1", "--data.dense=[]")]
    [InlineData("data.dense_scale = \"criteo1tb\" needs 13 columns in data.dense, which has 2", "--data.dense_scale=criteo1tb", "--data.dense=I1,I2")]
    [InlineData(
        "data.vocabulary has 2 numbers; allowed is one number, or one for each of the 3 columns of data.sparse", "--data.vocabulary=5,6", "--data.sparse=C1,C2,C3")]
    [InlineData("data.columns has no \"I2\", which data.dense names", "--data.columns=label,I1,C1,C2", "--data.dense=I1,I2", "--data.sparse=C1,C2")]
    [InlineData("data.columns holds \"C1\" more than once", "--data.columns=label,C1,C1", "--data.dense=[]", "--data.sparse=C1")]
    [InlineData("data.delimiter = \"::\" is not one character, other than a quotation mark or a line end, or \"tab\"", "--data.delimiter=::")]
    [InlineData("data.dense_defaults has 1 numbers; allowed is one for each of the 2 columns of data.dense", "--data.dense_defaults=1", "--data.dense=I1,I2")]
    [InlineData("data.dense_defaults holds a number that float32 cannot hold", "--data.dense_defaults=1e300", "--data.dense=I1")]
    [InlineData("data.dense holds \"I1\" more than once", "--data.dense=I1,I2,I1")]
    [InlineData("data.sparse holds \"C1\" more than once", "--data.sparse=C1,C1")]
    [InlineData("data.sparse holds \"click\", which is the column of data.label", "--data.sparse=click", "--data.label=click")]
    [InlineData(
        "model.cin_layer_size[1] = 5 is not even, as every size but the last must be with model.cin_split_half",
        "--model=xDeepFM", "--model.cin_layer_size=4,5,7")]
    [InlineData(
        "embedding.initializer.minimum = 1 is above embedding.initializer.maximum = 0.05",
        "--embedding.initializer=random_uniform", "--embedding.initializer.minimum=1")]
    public void What_does_not_go_together_is_refused(string message, params string[] overrides) =>
        Assert.Equal("command line: " + message, _folder.Refusal(Minimal, overrides));

    [Fact]
    public void The_file_is_blamed_for_what_the_command_line_did_not_touch() => Assert.Equal(
        "criteo.json: cluster.staleness = 1 needs cluster.strategy = \"ps\"; the others allow 0 only",
        _folder.Refusal("{\"data\": {\"train\": \"a\"}, \"cluster\": {\"staleness\": 1, \"strategy\": \"allreduce\"}}", "--epochs", "2"));

    [Fact]
    public void A_block_of_shuffled_rows_fits_into_an_array()
    {
        string columns = "--data.sparse=" + string.Join(',', Enumerable.Range(1, 200).Select(i => $"C{i}"));
        Assert.Equal(10_000_000, _folder.Load(Minimal, columns, "--data.shuffle_buffer=10000000").Data.ShuffleBuffer);
        Assert.Contains(
            "data.shuffle_buffer = 16000000 is too large for 200 columns of one kind; allowed is at most 10737417",
            _folder.Refusal(Minimal, columns, "--data.shuffle_buffer=16000000"), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_without_meaning_for_the_model_are_not_looked_at() =>
        Assert.Equal([4, 5, 7], _folder.Load(Minimal, "--model=DeepFM", "--model.cin_layer_size=4,5,7").Model.CinLayerSize);

    [Fact]
    public void Replicated_rows_have_no_meaning_for_strategies_that_replicate_all() =>
        Assert.Equal(5, _folder.Load(Minimal, "--cluster.strategy=allgather", "--cluster.hot_rows=5", "--embedding.sparse_as_dense_size=9").Cluster.HotRows);

    [Fact]
    public void Keys_of_growth_that_bound_nothing_have_no_meaning()
    {
        Assert.False(_folder.Load(Minimal, "--embedding.growth.sweep_every_steps=5", "--embedding.growth.when_full=evict").Embedding.Growth.IsOn);
        Assert.True(_folder.Load(Minimal, "--embedding.growth.min_norm=0.1", "--embedding.kind=hash").Embedding.Growth.IsOn);
        Assert.True(_folder.Load(Minimal, "--embedding.growth.max_mb=1", "--embedding.kind=hash", "--cluster.strategy=allgather", "--cluster.hot_rows=5").Embedding.Growth.IsOn);
    }

    [Fact]
    public void Hash_tables_have_hashed_keys_unless_told_otherwise()
    {
        Assert.Equal(SparseIds.Hash, _folder.Load(Minimal, "--embedding.kind=hash").Data.SparseIds);
        Assert.Equal(SparseIds.Modulo, _folder.Load(Minimal).Data.SparseIds);
    }
}
