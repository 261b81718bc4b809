using CsCheck;
using OpenEmbedding.Benchmarks.Cluster.Jobs;
using OpenEmbedding.Benchmarks.Cluster.Network;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Tests;

public sealed class PlanTests
{
    private static readonly Workload _wide = new(ModelName.DeepFM, 64);

    [Theory]
    [InlineData(10, 40_960, 4096, 100)] // 100 steps take ten seconds
    [InlineData(10, 819, 4096, 3)] // a step takes five
    [InlineData(1, 40_960, 4096, 10)]
    [InlineData(3600, 1e9, 1, 2000)]
    public void Steps_fill_the_time(double seconds, double speed, long samplesPerStep, int measured) =>
        Assert.Equal(new RunLength(16, measured), RunLength.Of(seconds, speed, samplesPerStep, warmUp: 16));

    [Fact]
    public void Tables_that_fit_keep_their_ids() =>
        Assert.Equal(5_000_000, MemoryLimit.FittingIds(5_000_000, _wide, 8, [Contender.Ps], 8L << 30));

    [Theory]
    [InlineData(5_000_000, 2_000_000)] // 24 copies of 260 bytes an id, in 70 % of 20 GiB
    [InlineData(2_000_000, 2_000_000)]
    [InlineData(3_000_000, 2_000_000)]
    public void Replicas_that_do_not_fit_get_fewer_ids(int wanted, int fitting) =>
        Assert.Equal(fitting, MemoryLimit.FittingIds(wanted, _wide, 8, [Contender.Ps, Contender.AllReduce], 20L << 30));

    [Fact]
    public void Fitting_ids_always_fit() => Gen.Select(Gen.Int[1000, 1_000_000_000], Gen.Int[1, 64], Gen.Long[1L << 28, 1L << 40]).Sample((wanted, ranks, memory) =>
    {
        int ids = MemoryLimit.FittingIds(wanted, _wide, ranks, [Contender.AllGather], memory);
        Assert.InRange(ids, 1000, wanted);
        Assert.True(ids * 65.0 * 4 * 2 * ranks <= memory);
    });

    [Fact]
    public void Without_room_for_anything_the_case_is_named()
    {
        var failure = Assert.Throws<BenchException>(() => MemoryLimit.FittingIds(1000, _wide, 4096, [Contender.AllReduce], 1 << 20));
        Assert.Equal("DeepFM 64 on 4096 ranks: not even tables of 1000 ids fit into the 1 MiB of memory that are free", failure.Message);
    }

    [Fact]
    public void Data_are_read_as_often_as_the_steps_need()
    {
        var options = new BenchOptions { BatchSize = 100, Rows = 1000, TrainerOptions = ["--train.prefetch", "2"] };
        var command = new JobCommand(options, new ThisMachine());
        var job = new Case(new Workload(ModelName.WDL, 9), 4, 5000);
        string[] words = [.. command.Build(Contender.AllGather, job, new BenchData("rows.txt", [7, 8]), new RunLength(2, 5), "summary.json")];
        Assert.Equal(["mpirun.mpich", "-np", "4"], words[..3]);
        Assert.Equal("""["rows.txt","rows.txt","rows.txt"]""", ValueOf(words, "--data.train")); // 4 · 7 · 100 rows
        Assert.Equal("7,8", ValueOf(words, "--data.vocabulary"));
        Assert.Equal(("7", "2"), (ValueOf(words, "--train.steps"), ValueOf(words, "--output.steady_after")));
        Assert.Equal("512,256,128,32", ValueOf(words, "--model.dnn_hidden_units"));
        Assert.Equal("allgather", ValueOf(words, "--cluster.strategy"));
        Assert.DoesNotContain("--cluster.servers", words);
        Assert.Equal(["--train.prefetch", "2"], words[^2..]);
    }

    [Fact]
    public void No_more_servers_than_cores_but_one_on_each_host()
    {
        int cores = Environment.ProcessorCount;
        var options = new BenchOptions();
        Assert.Equal("colocated", options.ServersOf(cores).ToString());
        Assert.Equal($"colocated:{cores}", options.ServersOf(cores + 1).ToString());
        Assert.Equal($"colocated:{cores + 1}", (options with { Network = "1gbit", Hosts = cores + 1 }).ServersOf(cores + 2).ToString());
        Assert.Equal("2", (options with { Servers = ServerCount.Dedicated(2) }).ServersOf(cores + 1).ToString());
    }

    [Fact]
    public void A_ceiling_job_is_read_back_by_its_ranks()
    {
        var command = new JobCommand(new BenchOptions { BatchSize = 100 }, new ThisMachine());
        var job = new Case(_wide, 4, 5000);
        string[] words = [.. command.Build(Contender.Ceiling, job, new BenchData("rows.txt", [7, 8]), new RunLength(2, 5), "summary.json")];
        int start = Array.IndexOf(words, "ceiling");
        Assert.Equal(
            new Ceiling.CeilingArguments(_wide, 100, 2, 5, "summary.json"), Ceiling.CeilingArguments.Parse(words[(start + 1)..]));
    }

    private static string ValueOf(string[] words, string option) => words[Array.IndexOf(words, option) + 1];
}
