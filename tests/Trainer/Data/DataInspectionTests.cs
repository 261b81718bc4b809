using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class DataInspectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Says_what_is_in_each_column()
    {
        DataOptions options = Options("label,I1,I2,C1,C2\n1,1.5,,0,x\n0,-2,0,1,\nno,1,1,1,1\n0,0.5,30,1,x\n0,0,2,2,y\n");

        Assert.Equal(
            $"""
            4 rows, 1 malformed
            the first of these: {options.Train.Files[0]}:4: column label = "no": not a number from 0 to 1
            column label: mean 0.25000

            dense                     0 or missing        smallest         largest            mean
            I1                              25.0 %              -2             1.5               0
            I2                              50.0 %               0              30               8

            sparse                         missing      categories       seen once   most frequent
            C1                               0.0 %               3               2          50.0 %
            C2                              25.0 %               2               1          50.0 %

            """,
            Text(options));
    }

    [Fact]
    public void Proposes_the_vocabulary_of_encoded_categories()
    {
        Assert.EndsWith("\n--data.vocabulary 4,3\n", Text(Options("label,I1,I2,C1,C2\n1,1,1,0,0\n0,1,1,3,\n0,1,1,1,1\n")), StringComparison.Ordinal);
        Assert.DoesNotContain("--data.vocabulary", Text(Options("label,I1,I2,C1,C2\n1,1,1,0,shoe\n")), StringComparison.Ordinal);
        Assert.DoesNotContain("--data.vocabulary", Text(Options("label,I1,I2,C1,C2\n1,1,1,0,-7\n")), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_are_all_malformed_are_said_to_be()
    {
        Assert.StartsWith("0 rows, 2 malformed\nthe first of these: ", Text(Options("label,I1,I2,C1,C2\nx,1,1,0,0\ny,1,1,0,0\n")), StringComparison.Ordinal);
        Assert.EndsWith(": no rows", Assert.Throws<OpenEmbeddingException>(() => Text(Options(""))).Message, StringComparison.Ordinal);
    }

    private static string Text(DataOptions options) => DataInspection.Read(options, options.Train).ToString();

    private DataOptions Options(string text) => RowText.Raw(_folder.Write("rows.csv", text)) with { Dense = ["I1", "I2"], Sparse = ["C1", "C2"] };
}
