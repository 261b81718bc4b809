namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class BadValueTests : IDisposable
{
    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(
        "train", "{\"batch_sise\": 1}",
        "train.batch_sise is not a known key; did you mean \"batch_size\"? (allowed: batch_size, micro_batch_size, device, epochs, steps, test_every_steps, test_group_by, positive_weight, negative_weight, clip_value, clip_norm, prefetch, log_every)")]
    [InlineData(
        "trian", "{}",
        "trian is not a known key; did you mean \"train\"? (allowed: data, model, embedding, optimizer, schedule, train, early_stopping, load, checkpoint, cluster, autotune, output)")]
    [InlineData(
        "batch_size", "1",
        "batch_size is not a known key; did you mean \"train.batch_size\"? (allowed: data, model, embedding, optimizer, schedule, train, early_stopping, load, checkpoint, cluster, autotune, output)")]
    [InlineData(
        "output", "{\"colour\": 1}",
        "output.colour is not a known key (allowed: summary, steady_after, weights, model, export, export_dense, predictions, report, tensorboard, metrics_port, metrics_host, curve_every, progress)")]
    [InlineData(
        "optimizer", "{\"name\": \"Adam\", \"beta1\": 0.9}",
        "optimizer.beta1 is not a known key of Adam; did you mean \"beta_1\"? (allowed: name, learning_rate, beta_1, beta_2, epsilon, amsgrad)")]
    [InlineData(
        "optimizer", "{\"momentum\": 0.9}",
        "optimizer.momentum is not a known key of Adagrad (allowed: name, learning_rate, initial_accumulator_value, epsilon)")]
    [InlineData(
        "embedding", "{\"initializer\": {\"name\": \"zeros\", \"value\": 1}}",
        "embedding.initializer.value is not a known key of zeros (allowed: name)")]
    public void Unknown_keys_are_refused_with_the_nearest(string section, string value, string message) => AssertRefused(section, value, message);

    [Theory]
    [InlineData("train", "{\"batch_size\": \"many\"}", "train.batch_size = \"many\" is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": 1.5}", "train.batch_size = 1.5 is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": 1e3}", "train.batch_size = 1e3 is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": null}", "train.batch_size = null is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": [1]}", "train.batch_size = [1] is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": {\"a\": 1}}", "train.batch_size = {\"a\":1} is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": true}", "train.batch_size = true is not an integer from 1 to 16777216")]
    [InlineData("train", "5", "train = 5 is not an object with the keys batch_size, micro_batch_size, device, epochs, steps, test_every_steps, test_group_by, positive_weight, negative_weight, clip_value, clip_norm, prefetch, log_every")]
    [InlineData("train", "null", "train = null is not an object with the keys batch_size, micro_batch_size, device, epochs, steps, test_every_steps, test_group_by, positive_weight, negative_weight, clip_value, clip_norm, prefetch, log_every")]
    [InlineData(
        "data", "{\"train\": \"a\", \"vocabulary\": \"many\"}",
        "data.vocabulary = \"many\" is not an integer from 1 to 4611686018427387904, or a list with one for each column")]
    [InlineData("model", "{\"cin_split_half\": \"yes\"}", "model.cin_split_half = \"yes\" is not true or false")]
    [InlineData("model", "{\"l2_linear\": \"1e-5\"}", "model.l2_linear = \"1e-5\" is not a number of at least 0")]
    [InlineData("model", "{\"dnn_hidden_units\": 400}", "model.dnn_hidden_units = 400 is not a non-empty list, each item an integer from 1 to 1048576")]
    [InlineData("model", "{\"dnn_hidden_units\": [400, \"x\"]}", "model.dnn_hidden_units[1] = \"x\" is not an integer from 1 to 1048576")]
    [InlineData("model", "{\"dnn_hidden_units\": []}", "model.dnn_hidden_units = [] is not a non-empty list, each item an integer from 1 to 1048576")]
    [InlineData("autotune", "true", "autotune = true is not an object with the keys enabled, log, warmup_steps, steps_per_sample, max_samples")]
    [InlineData("autotune", "{\"enabled\": 1}", "autotune.enabled = 1 is not true or false")]
    [InlineData("autotune", "{\"log\": \"\"}", "autotune.log = \"\" is not a non-empty string")]
    [InlineData("cluster", "{\"timeline\": 1}", "cluster.timeline = 1 is not a non-empty string")]
    [InlineData("cluster", "{\"timeline\": \"\"}", "cluster.timeline = \"\" is not a non-empty string")]
    [InlineData("optimizer", "7", "optimizer = 7 is not a name or an object with a name, one of \"SGD\", \"Adagrad\", \"Adadelta\", \"Adam\", \"Adamax\", \"Nadam\", \"RMSprop\", \"Ftrl\"")]
    public void Wrong_types_are_refused(string section, string value, string message) => AssertRefused(section, value, message);

    [Theory]
    [InlineData("train", "{\"batch_size\": 0}", "train.batch_size = 0 is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"batch_size\": 16777217}", "train.batch_size = 16777217 is not an integer from 1 to 16777216")]
    [InlineData("train", "{\"steps\": 0}", "train.steps = 0 is not an integer of at least 1")]
    [InlineData("train", "{\"steps\": 9223372036854775808}", "train.steps = 9223372036854775808 is not an integer of at least 1")]
    [InlineData("embedding", "{\"dimension\": 4097}", "embedding.dimension = 4097 is not an integer from 1 to 4096")]
    [InlineData("embedding", "{\"initializer\": {\"stddev\": -1}}", "embedding.initializer.stddev = -1 is not a number of at least 0")]
    [InlineData("optimizer", "{\"learning_rate\": 0}", "optimizer.learning_rate = 0 is not a number above 0")]
    [InlineData("optimizer", "{\"learning_rate\": 1e999}", "optimizer.learning_rate = 1e999 is not a number above 0")]
    [InlineData("optimizer", "{\"name\": \"SGD\", \"momentum\": 1}", "optimizer.momentum = 1 is not a number from 0 to below 1")]
    [InlineData("optimizer", "{\"name\": \"Ftrl\", \"learning_rate_power\": 0.5}", "optimizer.learning_rate_power = 0.5 is not a number of at most 0")]
    [InlineData("cluster", "{\"hot_rows\": -1}", "cluster.hot_rows = -1 is not an integer from 0 to 16777216")]
    [InlineData("embedding", "{\"sparse_as_dense_size\": -1}", "embedding.sparse_as_dense_size = -1 is not an integer from 0 to 16777216")]
    [InlineData("cluster", "{\"stall_warning_seconds\": -1}", "cluster.stall_warning_seconds = -1 is not a number from 0 to 86400")]
    [InlineData("cluster", "{\"cycle_time_ms\": 0}", "cluster.cycle_time_ms = 0 is not a number from 0.05 to 100")]
    [InlineData("cluster", "{\"fusion_buffer_mb\": 0}", "cluster.fusion_buffer_mb = 0 is not an integer from 1 to 16384")]
    [InlineData("autotune", "{\"max_samples\": 11}", "autotune.max_samples = 11 is not an integer from 12 to 1000000")]
    [InlineData("autotune", "{\"steps_per_sample\": 0}", "autotune.steps_per_sample = 0 is not an integer from 1 to 1000000")]
    [InlineData("autotune", "{\"warmup_steps\": -1}", "autotune.warmup_steps = -1 is not an integer from 0 to 1000000")]
    [InlineData("data", "{\"train\": \"a\", \"vocabulary\": 0}", "data.vocabulary = 0 is not an integer from 1 to 4611686018427387904")]
    [InlineData("data", "{\"train\": \"a\", \"vocabulary\": [5, 0]}", "data.vocabulary[1] = 0 is not an integer from 1 to 4611686018427387904")]
    public void Values_out_of_range_are_refused(string section, string value, string message) => AssertRefused(section, value, message);

    [Theory]
    [InlineData("model", "{\"name\": \"DepFM\"}", "model.name = \"DepFM\" is not one of \"LR\", \"WDL\", \"DeepFM\", \"xDeepFM\", \"DCN-v2\", \"AutoInt\", \"FiBiNET\", \"DLRM\"; did you mean \"DeepFM\"?")]
    [InlineData("model", "{\"name\": 1}", "model.name = 1 is not one of \"LR\", \"WDL\", \"DeepFM\", \"xDeepFM\", \"DCN-v2\", \"AutoInt\", \"FiBiNET\", \"DLRM\"")]
    [InlineData("model", "{\"dtype\": \"float16\"}", "model.dtype = \"float16\" is not one of \"float32\", \"float64\"; did you mean \"float32\"?")]
    [InlineData("embedding", "{\"kind\": \"table\"}", "embedding.kind = \"table\" is not one of \"array\", \"hash\"")]
    [InlineData("optimizer", "{\"name\": \"Adamm\"}", "optimizer.name = \"Adamm\" is not one of \"SGD\", \"Adagrad\", \"Adadelta\", \"Adam\", \"Adamax\", \"Nadam\", \"RMSprop\", \"Ftrl\"; did you mean \"Adam\"?")]
    [InlineData("optimizer", "\"Lion\"", "optimizer.name = \"Lion\" is not one of \"SGD\", \"Adagrad\", \"Adadelta\", \"Adam\", \"Adamax\", \"Nadam\", \"RMSprop\", \"Ftrl\"")]
    [InlineData("embedding", "{\"optimizer\": {\"learning_rate\": 1}}", "embedding.optimizer.name is missing; it is one of \"SGD\", \"Adagrad\", \"Adadelta\", \"Adam\", \"Adamax\", \"Nadam\", \"RMSprop\", \"Ftrl\"")]
    [InlineData("cluster", "{\"wire\": {\"pull\": \"float8\"}}", "cluster.wire.pull = \"float8\" is not one of \"float16\", \"bfloat16\", \"float32\"; did you mean \"float16\"?")]
    [InlineData("cluster", "{\"wire\": {\"push\": \"float64\"}}", "cluster.wire.push = \"float64\" is not one of \"float16\", \"bfloat16\", \"float32\"; did you mean \"float16\"?")]
    [InlineData("cluster", "{\"wire\": {\"dense\": 16}}", "cluster.wire.dense = 16 is not one of \"float16\", \"bfloat16\", \"float32\"")]
    [InlineData("cluster", "{\"wire\": {\"keys\": \"zstd\"}}", "cluster.wire.keys = \"zstd\" is not one of \"none\", \"lz4\"")]
    [InlineData("cluster", "{\"wire\": {\"keys\": null}}", "cluster.wire.keys = null is not one of \"none\", \"lz4\"")]
    [InlineData("cluster", "{\"wire\": \"bfloat16\"}", "cluster.wire = \"bfloat16\" is not an object with the keys pull, push, dense, keys")]
    [InlineData("cluster", "{\"wire\": {\"pul\": \"float16\"}}", "cluster.wire.pul is not a known key; did you mean \"pull\"? (allowed: pull, push, dense, keys)")]
    [InlineData("cluster", "{\"servers\": 0}", "cluster.servers = 0 is not a number of ranks from 1, \"auto\", \"colocated\" or \"colocated:N\"")]
    [InlineData("cluster", "{\"servers\": \"2\"}", "cluster.servers = \"2\" is not a number of ranks from 1, \"auto\", \"colocated\" or \"colocated:N\"")]
    [InlineData("cluster", "{\"servers\": \"colocated:0\"}", "cluster.servers = \"colocated:0\" is not a number of ranks from 1, \"auto\", \"colocated\" or \"colocated:N\"")]
    [InlineData("cluster", "{\"servers\": \"all\"}", "cluster.servers = \"all\" is not a number of ranks from 1, \"auto\", \"colocated\" or \"colocated:N\"")]
    public void Names_that_do_not_exist_are_refused(string section, string value, string message) => AssertRefused(section, value, message);

    [Theory]
    [InlineData("{}", "data.train is missing; it is a path, a list of paths or an object with the keys files, rows")]
    [InlineData("{\"data\": {}}", "data.train is missing; it is a path, a list of paths or an object with the keys files, rows")]
    [InlineData("{\"data\": {\"train\": {\"rows\": \"0-9\"}}}", "data.train.files is missing; it is a non-empty list, each item a non-empty string")]
    [InlineData("{\"data\": {\"train\": 5}}", "data.train = 5 is not a path, a list of paths or an object with the keys files, rows")]
    [InlineData("{\"data\": {\"train\": null}}", "data.train = null is not a path, a list of paths or an object with the keys files, rows")]
    [InlineData("{\"data\": {\"train\": []}}", "data.train.files = [] is not a non-empty list, each item a non-empty string")]
    [InlineData("{\"data\": {\"train\": \"\"}}", "data.train.files[0] = \"\" is not a non-empty string")]
    [InlineData("{\"data\": {\"train\": {\"files\": [\"a\"], \"rows\": \"9-0\"}}}", "data.train.rows = \"9-0\" is not \"first-last\" or \"first-\", rows counted from 0")]
    [InlineData("{\"data\": {\"train\": {\"files\": [\"a\"], \"rows\": \"-9\"}}}", "data.train.rows = \"-9\" is not \"first-last\" or \"first-\", rows counted from 0")]
    [InlineData("{\"data\": {\"train\": {\"files\": [\"a\"], \"rows\": 9}}}", "data.train.rows = 9 is not \"first-last\" or \"first-\", rows counted from 0")]
    public void Data_that_are_not_said_are_refused(string text, string message) => Assert.Equal("criteo.json: " + message, _folder.Refusal(text));

    private void AssertRefused(string section, string value, string message)
    {
        string data = section == "data" ? "" : "\"data\": {\"train\": \"a\"}, ";
        Assert.Equal("criteo.json: " + message, _folder.Refusal($"{{{data}\"{section}\": {value}}}"));
    }
}
