using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Tests.Export;

namespace OpenEmbedding.Trainer.Tests.Data;

/// <summary>What empty fields stand for, the same in every form.</summary>
public sealed class DefaultTests : IDisposable
{
    private static readonly PlainRow[] _expected = [new(1, [7.5f, 2], [9, 5, SparseSlots.Empty]), new(0, [1, -3], [4, 6, 8])];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_and_records_and_Parquet_have_them()
    {
        string parquet = Path.Combine(_folder.Path, "rows.parquet");
        ParquetFiles.Write(
            parquet, 10, ("label", new[] { 1, 0 }), ("a", new float?[] { null, 1 }), ("b", new float?[] { 2, null }), ("x", new long?[] { null, 4 }), ("y", new[] { "", "6|8" }));
        byte[] records = TfRecords.File(
            [TfRecords.Example([("label", 1L), ("b", 2f)]), TfRecords.Example([("label", 0L), ("a", 1f), ("x", 4L), ("y", new[] { 6L, 8L })])]);

        Assert.Equal(_expected, RowText.ReadAll(Options(_folder.Write("rows.csv", "label,a,b,x,y\n1,,2,,\n0,1,,4,6|8\n"))));
        Assert.Equal(_expected, RowText.ReadAll(Options(_folder.Write("rows.tfrecord", records))));
        Assert.Equal(_expected, RowText.ReadAll(Options(parquet)));
        DataOptions numbered = Options(_folder.Write("rows.libffm", "1 2:0:2\n0 1:0:1 3:4:1 4:6:1 4:8:1\n"));
        Assert.Equal(_expected, RowText.ReadAll(numbered with { Dense = ["1", "2"], Sparse = [numbered.Sparse[0] with { Name = "3" }, numbered.Sparse[1] with { Name = "4" }] }));
    }

    [Fact]
    public void Criteo_rows_have_them()
    {
        string path = _folder.Write("rows.txt", $"1\t\t4{new string('\t', 12)}{new string('\t', 25)}\n");
        DataOptions options = RowText.Raw(path) with { Dense = ["I2", "I1"], DenseDefaults = [3, 2.5], Sparse = ["C1", new SparseColumn { Name = "C26", Default = "11" }] };

        Assert.Equal([new PlainRow(1, [4, 2.5f], [(1L << 62) - 1, 11])], RowText.ReadAll(options));
        Assert.Equal(
            [2.5f, 4, .. Enumerable.Repeat(2.5f, 11)],
            Assert.Single(RowText.ReadAll(RowText.Raw(path) with { DenseDefaults = [.. Enumerable.Repeat(2.5, 13)] })).Dense);
    }

    [Fact]
    public void The_graph_has_them()
    {
        var rules = new SparseKeys(["a", new SparseColumn { Name = "b", Default = "7" }], SparseIds.Hash, 1);
        var graph = new ComputationGraph(Collectives.ElementType.Float32);
        GraphValue values = graph.Concatenate(1, [graph.Input("a", Collectives.ElementType.Int64), graph.Input("b", Collectives.ElementType.Int64)]);
        graph.Output("keys", rules.Describe(graph, rules.Slots.DescribeDefaults(graph, values)), Collectives.ElementType.Int64, [2]);
        long[] columns = [-1, 0, 5, long.MaxValue, long.MinValue];
        long[] expected = [.. columns.SelectMany(value => new[] { value, value == -1 ? 7 : value })];
        rules.Map(expected);

        using var onnx = new OnnxGraph(graph);

        Assert.Equal(expected, onnx.Run<long>(columns, columns));
    }

    private static DataOptions Options(string path) => RowText.Raw(path) with
    {
        Dense = ["a", "b"],
        DenseDefaults = [7.5, -3],
        Sparse = [new SparseColumn { Name = "x", Default = "9" }, new SparseColumn { Name = "y", MaxLength = 2, Default = "5" }],
    };
}
