using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Export.Onnx;
using OpenEmbedding.Trainer.Tests.Data;

namespace OpenEmbedding.Trainer.Tests.Export;

public sealed class OnnxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(OnnxFile.LargestInside)]
    [InlineData(3999)]
    public void Large_constants_go_to_a_file_beside_the_model(long largestInside)
    {
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue row = graph.Input("row", ElementType.Int64);
        float[] first = [.. Enumerable.Range(0, 500).Select(i => i + 0.5f)];
        float[] second = [.. Enumerable.Range(0, 500).Select(i => i * 1000f)];
        GraphValue sum = graph.Add(
            graph.Rows(graph.Array(ExportArray.Of<float>("first", [500], first)), row),
            graph.Rows(graph.Array(ExportArray.Of<float>("second", [500], second)), row));
        graph.Output("sum", graph.Add(sum, graph.Number("offset", 0.25)), ElementType.Float32);

        using var onnx = new OnnxGraph(graph, largestInside);

        Assert.Equal(largestInside > 4000 ? ["model.onnx"] : ["model.onnx.data", "model.onnx"], onnx.Files);
        Assert.Equal([0.75f, 499499.75f, 7007.75f], onnx.Run<float>(new long[] { 0, 499, 7 }));
    }

    [Theory]
    [InlineData(OnnxFile.MostEncodedKeys, 4)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0, 3)]
    [InlineData(0, 4)]
    [InlineData(0, 5)]
    [InlineData(0, 1000)]
    [InlineData(0, 1024)]
    [InlineData(OnnxFile.MostEncodedKeys, 1000)]
    public void Keys_are_found_and_others_have_the_place_behind_them(int mostEncodedKeys, int count)
    {
        var random = new Random(count);
        long[] odd = [0, 3, 1L << 40, long.MaxValue];
        long[] keys = [.. odd.TakeLast(count).Concat(Enumerable.Range(0, count).Select(_ => random.NextInt64())).Distinct().Take(count).Order()];
        long[] values = [.. odd, .. keys, .. keys.Select(key => key ^ 1), long.MaxValue - 1, 1];
        var graph = new ComputationGraph(ElementType.Float32);
        graph.Output("place", graph.Find(graph.Input("key", ElementType.Int64), keys), ElementType.Int64);

        using var onnx = new OnnxGraph(graph, mostEncodedKeys: mostEncodedKeys);

        Assert.Equal(values.Select(value => Array.IndexOf(keys, value)).Select(place => place < 0 ? (long)count : place), onnx.Run<long>(values));
    }

    [Fact]
    public void Columns_keep_their_names_whatever_they_are()
    {
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue number = graph.Input("probability", ElementType.Float32);
        GraphValue same = graph.Input("probability", ElementType.Int64);
        GraphValue other = graph.Input("reshape/shape", ElementType.Float32);
        GraphValue sum = graph.Add(graph.Add(number, graph.Cast(same, ElementType.Float32)), graph.Reshape(other, -1, 1));
        graph.Output("probability", sum, ElementType.Float32);

        using var onnx = new OnnxGraph(graph);

        Assert.Equal(["probability", "probability_1", "reshape/shape"], onnx.Inputs);
        Assert.Equal(["probability_2"], onnx.Outputs);
        Assert.Equal([111f], onnx.Run<float>(new[] { 1f }, new[] { 10L }, new[] { 100f }));
    }

    [Fact]
    public void A_folder_that_is_there_is_left_alone()
    {
        string path = Path.GetDirectoryName(_folder.Write("1/model.onnx", "x"))!;

        var failure = Assert.Throws<OpenEmbeddingException>(() => new ExportFolder(path + "/"));

        Assert.Equal(
            ($"{path} is there already; remove it, or give output.export another folder", JobExitCode.Configuration), (failure.Message, failure.ExitCode));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_told_before_training()
    {
        string path = Path.Combine(_folder.Write("file", ""), "1");

        var failure = Assert.Throws<OpenEmbeddingException>(() => new ExportFolder(path));

        Assert.StartsWith($"the folder {path} of output.export cannot be made: ", failure.Message, StringComparison.Ordinal);
        Assert.Equal(JobExitCode.Configuration, failure.ExitCode);
    }

    [Fact]
    public void What_fails_leaves_nothing()
    {
        var folder = new ExportFolder(Path.Combine(_folder.Path, "a/1"));
        folder.Write("first", stream => stream.Write([1, 2, 3]));

        var failure = Assert.Throws<OpenEmbeddingException>(() => folder.Write("second", _ => throw new IOException("no space")));

        Assert.Equal(
            ($"the model cannot be exported to {folder.Target}: no space", JobExitCode.Failure), (failure.Message, failure.ExitCode));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_folder.Path, "a")));
    }

    [Fact]
    public void A_folder_that_came_meanwhile_stays_as_it_is()
    {
        var folder = new ExportFolder(Path.Combine(_folder.Path, "1"));
        folder.Write("first", stream => stream.Write([1, 2, 3]));
        _folder.Write("1/other", "x");

        Assert.Throws<OpenEmbeddingException>(folder.Commit);

        Assert.Equal(["1"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        Assert.Equal(["other"], Directory.GetFiles(folder.Target).Select(Path.GetFileName));
    }

    [Fact]
    public void Keys_never_seen_have_the_mean_of_the_initial_values()
    {
        Assert.Equal(3, ExportedTables.MeanOf(new ConstantOptions { Value = 3 }));
        Assert.Equal(0.5, ExportedTables.MeanOf(new RandomNormalOptions { Mean = 0.5 }));
        Assert.Equal(-1, ExportedTables.MeanOf(new TruncatedNormalOptions { Mean = -1 }));
        Assert.Equal(1, ExportedTables.MeanOf(new RandomUniformOptions { Minimum = -1, Maximum = 3 }));
    }

    [Fact]
    public void Keys_of_several_lists_are_sorted_and_each_is_there_once()
    {
        var keys = new SortedKeys();
        keys.Add([5, 1, 9]);
        keys.Merge();
        keys.Add([9, 0]);
        keys.Add([5, 7]);
        keys.Merge();
        Assert.Equal([0, 1, 5, 7, 9], keys.ToArray());
        keys.Add([9, 8]);
        keys.Merge();
        Assert.Equal([0, 1, 5, 7, 8, 9], keys.ToArray());
    }
}
