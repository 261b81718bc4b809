using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class SparseColumnTests : IDisposable
{
    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_column_is_a_name_or_an_object()
    {
        IReadOnlyList<SparseColumn> columns = _folder.Load(Job("\"item\", {\"name\": \"tags\", \"max_length\": 5, \"combiner\": \"sqrtn\", \"separator\": \";\", \"table\": \"item\"}")).Data.Sparse;

        SparseColumn[] expected = ["item", new SparseColumn { Name = "tags", MaxLength = 5, Combiner = Combiner.Sqrtn, Separator = ";", Table = "item" }];
        Assert.Equal(expected, columns);
        Assert.Equal(expected, ConfigurationFolder.LoadArguments(["--data=a", "--data.sparse", "[\"item\", {\"name\": \"tags\", \"max_length\": 5, \"combiner\": \"sqrtn\", \"separator\": \";\", \"table\": \"item\"}]"]).Data.Sparse);
        Assert.Equal(["item", "tags"], ConfigurationFolder.LoadArguments(["--data=a", "--data.sparse=item,tags"]).Data.Sparse.Select(column => column.Name));
    }

    [Fact]
    public void It_is_written_as_it_is_given()
    {
        JobOptions job = _folder.Load(Job("\"item\", {\"name\": \"tags\", \"max_length\": 5}"));

        JobOptions again = _folder.Load(job.ToJson());

        Assert.Equal(job.Data.Sparse, again.Data.Sparse);
        Assert.Matches("\"sparse\": \\[\\s*\"item\",\\s*\\{\\s*\"name\": \"tags\",\\s*\"max_length\": 5,", job.ToJson());
    }

    [Theory]
    [InlineData("{\"max_length\": 5}", "data.sparse[0].name is missing; it is a non-empty string")]
    [InlineData("{\"name\": \"a\", \"max_length\": 0}", "data.sparse[0].max_length = 0 is not an integer from 1 to 4096")]
    [InlineData("{\"name\": \"a\", \"combiner\": \"average\"}", "data.sparse[0].combiner = \"average\" is not one of \"sum\", \"mean\", \"sqrtn\"")]
    [InlineData("{\"name\": \"a\", \"maxlen\": 5}", "data.sparse[0].maxlen is not a known key")]
    [InlineData("[\"a\"]", "data.sparse[0] = [\"a\"] is not the name of a column or an object with the keys name, max_length, combiner, separator, table, dimension, default")]
    [InlineData("{\"name\": \"a\", \"dimension\": 0}", "data.sparse[0].dimension = 0 is not an integer from 1 to 4096")]
    [InlineData("{\"name\": \"a\", \"dimension\": 10}", "data.sparse[0].dimension = 10 is more than embedding.dimension = 9, the most allowed")]
    [InlineData("\"b\", {\"name\": \"a\", \"dimension\": 4, \"table\": \"b\"}", "data.sparse[1].dimension is that of \"b\", whose rows \"a\" uses; leave it out")]
    [InlineData("\"a\", {\"name\": \"a\", \"max_length\": 5}", "data.sparse holds \"a\" more than once")]
    [InlineData("{\"name\": \"a\", \"table\": \"b\"}, \"c\"", "data.sparse[0].table = \"b\" is not another column of data.sparse with rows of its own; allowed: c")]
    [InlineData("{\"name\": \"a\", \"table\": \"a\"}, \"c\"", "data.sparse[0].table = \"a\" is not another column of data.sparse with rows of its own; allowed: c")]
    [InlineData(
        "{\"name\": \"a\", \"table\": \"b\"}, {\"name\": \"b\", \"table\": \"c\"}, \"c\"",
        "data.sparse[0].table = \"b\" is not another column of data.sparse with rows of its own; allowed: c")]
    public void What_is_wrong_is_named(string columns, string expected) => Assert.Contains(expected, _folder.Refusal(Job(columns)), StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "data.vocabulary has 9 for \"b\" and 7 for \"a\", whose rows it uses; allowed is one number for both", "--data.vocabulary=7,9")]
    [InlineData(
        "train.test_group_by = \"b\" is not a column of data.sparse; allowed: a", "--train.test_group_by=b", "--data.test=t")]
    [InlineData(
        "output.export_dense does not go with a column of several categories, with rows of another or of a dimension of its own, as \"b\"; allowed: output.export",
        "--output.export_dense=e", "--output.model=m")]
    public void What_does_not_go_together_is_named(string expected, params string[] overrides) => Assert.Contains(
        expected, _folder.Refusal(Job("\"a\", {\"name\": \"b\", \"max_length\": 5, \"table\": \"a\"}"), overrides), StringComparison.Ordinal);

    [Fact]
    public void A_hash_table_has_one_dimension() => Assert.Contains(
        "data.sparse[0].dimension needs embedding.kind = \"array\"; a hash table holds the rows of all columns, of one dimension",
        _folder.Refusal(Job("{\"name\": \"a\", \"dimension\": 4}"), "--embedding.kind=hash"),
        StringComparison.Ordinal);

    private static string Job(string columns) => $"{{\"data\": {{\"train\": \"rows.csv\", \"sparse\": [{columns}]}}}}";
}
