using OpenEmbedding.Benchmarks.Cluster.CommandLine;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Tests;

public sealed class BenchCommandLineTests
{
    [Fact]
    public void Without_options_it_is_the_real_size()
    {
        BenchOptions options = BenchCommandLine.Parse([])!;
        Assert.Equal(["WDL 9", "WDL 64", "DeepFM 9", "DeepFM 64", "xDeepFM 9", "xDeepFM 64"], options.Workloads.Select(workload => workload.ToString()));
        Assert.Equal([1, 2, 4, 8], options.Ranks);
        Assert.Equal([Contender.Ceiling, Contender.Ps, Contender.AllReduce, Contender.AllGather], options.Contenders);
        Assert.Equal((5_000_000, 1.05, 4096, 3), (options.Ids, options.Zipf, options.BatchSize, options.Repeats));
        Assert.Null(options.Network);
        Assert.Empty(options.TrainerOptions);
    }

    [Fact]
    public void Every_option_is_taken()
    {
        BenchOptions options = BenchCommandLine.Parse(
        [
            "--models", "deepfm,xDeepFM:9", "--dims=16,32", "--ranks", "2,3", "--strategies", "PS,ceiling", "--servers", "2", "--repeats", "5",
            "--seconds", "1.5", "--timeout", "60", "--batch", "128", "--vocabulary", "2000", "--zipf", "0", "--rows", "4096", "--data", "d", "--out", "o",
            "--network", "1gbit", "--hosts", "3", "--", "--train.prefetch", "2", "--models",
        ])!;
        Assert.Equal([new(ModelName.DeepFM, 16), new(ModelName.DeepFM, 32), new(ModelName.XDeepFM, 9)], options.Workloads);
        Assert.Equal([2, 3], options.Ranks);
        Assert.Equal([Contender.Ps, Contender.Ceiling], options.Contenders);
        Assert.Equal(ServerCount.Dedicated(2), options.Servers);
        Assert.Equal((5, 1.5, 60.0, 128), (options.Repeats, options.Seconds, options.Timeout, options.BatchSize));
        Assert.Equal((2000, 0.0, 4096, "d", "o"), (options.Ids, options.Zipf, options.Rows, options.DataFolder, options.OutFolder));
        Assert.Equal(("1gbit", 3), (options.Network, options.Hosts));
        Assert.Equal(["--train.prefetch", "2", "--models"], options.TrainerOptions);
    }

    [Theory]
    [InlineData("command line: --model is not a known option (oe-bench --help lists all)", "--model", "WDL")]
    [InlineData("command line: WDL is not a known option (oe-bench --help lists all)", "WDL")]
    [InlineData("command line: --models: \"LR\" is not one of WDL, DeepFM, xDeepFM", "--models", "WDL,LR")]
    [InlineData("command line: --models = \"x\" is not an integer from 1 to 4096", "--models", "WDL:x")]
    [InlineData("command line: --models is empty; it is a list with commas", "--models", ",")]
    [InlineData("command line: --dims = \"0\" is not an integer from 1 to 4096", "--dims", "9,0")]
    [InlineData("command line: --ranks = \"-1\" is not an integer from 1 to 4096", "--ranks=-1")]
    [InlineData("command line: --strategies: \"horovod\" is not one of ps, allreduce, allgather, ceiling", "--strategies", "horovod")]
    [InlineData("command line: --servers = \"0\" is not a number of ranks from 1, auto, colocated or colocated:N", "--servers", "0")]
    [InlineData("command line: --seconds = \"0\" is not a number from 0.1 to 3600", "--seconds", "0")]
    [InlineData("command line: --vocabulary = \"5M\" is not an integer from 1000 to 1000000000", "--vocabulary", "5M")]
    [InlineData("command line: --network = \"fast\" is not a rate as 1gbit, 500mbit or 64kbit", "--network", "fast")]
    [InlineData("command line: --hosts = \"0\" is not an integer from 1 to 200", "--hosts", "0")]
    public void Bad_options_get_one_line(string message, params string[] args)
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => BenchCommandLine.Parse(args));
        Assert.Equal((message, JobExitCode.Configuration), (failure.Message, failure.ExitCode));
    }

    [Fact]
    public void An_option_without_its_value_gets_one_line()
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => BenchCommandLine.Parse(["--ranks"]));
        Assert.StartsWith("command line: ", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void Help_names_every_option()
    {
        Assert.Null(BenchCommandLine.Parse(["--help"]));
        Assert.Null(BenchCommandLine.Parse(["-h"]));
        Assert.All(BenchCommandLine.OptionNames, name => Assert.Contains($"  {name} ", BenchCommandLine.Help, StringComparison.Ordinal));
    }
}
