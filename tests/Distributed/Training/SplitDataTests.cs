using System.IO.Compression;
using OpenEmbedding.Trainer.Tests.Data;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Rows in many files train the same as in one.</summary>
[Trait("Kind", "Job")]
public sealed class SplitDataTests : IDisposable
{
    private readonly OeTrain _train = new();
    private readonly string _whole;
    private readonly string[] _rows;

    public SplitDataTests()
    {
        _whole = _train.WriteRows("whole.txt", 700);
        _rows = File.ReadAllLines(_whole);
        Directory.CreateDirectory(_train.In("parts"));
    }

    [Fact]
    public void FolderTrainsTheSameBitsShuffledAndBehindAStop()
    {
        // Neither steps nor batches of trainers end where the files do.
        int[] cuts = [0, 1, 333, 334, 700];
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            _train.Write($"parts/part-{i}.txt", string.Join('\n', _rows[cuts[i]..cuts[i + 1]]) + "\n");
        }

        string checkpoints = _train.In("checkpoints");
        string[] saving = ["--checkpoint", checkpoints, "--checkpoint.every_steps", "5", "--checkpoint.every_epochs", "0"];
        string[] shuffled = ["--data.shuffle_buffer", "150"];
        Weights whole = _train.Weights(2, [.. Job(_whole), .. shuffled]);

        Weights folder = _train.Weights(2, [.. Job(_train.In("parts")), .. shuffled, .. saving]);
        string manifest = Directory.GetFiles(checkpoints, "step-*.json").Order(StringComparer.Ordinal).First();
        Weights pattern = _train.Weights(2, [.. Job(_train.In("parts/part-*.txt")), .. shuffled, "--load", manifest]);

        Assert.Equal(0, folder.DistanceTo(whole));
        Assert.Equal(0, pattern.DistanceTo(whole));
    }

    [Theory]
    [InlineData(".txt.gz")]
    [InlineData(".csv.gz")]
    public void CompressedPartsTrainTheSameBits(string ending)
    {
        bool isCsv = ending == ".csv.gz";
        string header = string.Join(',', ["label", .. Enumerable.Range(1, 13).Select(i => $"I{i}"), .. Enumerable.Range(1, 26).Select(i => $"C{i}")]);
        string Text(string[] rows) => isCsv
            ? string.Join('\n', [header, .. rows.Select(row => row.Replace('\t', ','))]) + "\n"
            : string.Join('\n', rows) + "\n";
        string whole = _train.Write(isCsv ? "one.csv" : "one.txt", Text(_rows));
        WriteCompressed($"parts/1{ending}", Text(_rows[..301]));
        WriteCompressed($"parts/2{ending}", Text(_rows[301..]));

        Assert.Equal(0, _train.Weights(2, Job(_train.In("parts"))).DistanceTo(_train.Weights(2, Job(whole))));
    }

    [Fact]
    public void RecordsAndColumnsTrainTheSameBits()
    {
        Weights whole = _train.Weights(2, Job(_whole));
        File.WriteAllBytes(_train.In("parts/1.tfrecord"), TfRecords.File(_rows[..301].Select(row => TfRecords.ExampleOf(row))));
        File.WriteAllBytes(_train.In("parts/2.tfrecord"), TfRecords.File(_rows[301..].Select(row => TfRecords.ExampleOf(row))));

        ParquetFiles.WriteCriteo(_train.In("rows.parquet"), _rows, groupRows: 300);

        Assert.Equal(0, _train.Weights(2, Job(_train.In("parts"))).DistanceTo(whole));
        Assert.Equal(0, _train.Weights(2, Job(_train.In("rows.parquet"))).DistanceTo(whole));
    }

    public void Dispose() => _train.Dispose();

    private void WriteCompressed(string name, string text)
    {
        using var file = new StreamWriter(new GZipStream(File.Create(_train.In(name)), CompressionLevel.Fastest));
        file.Write(text);
    }

    private static string[] Job(string data) =>
    [
        "--data.train", data, "--model.name", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000", "--optimizer.name", "adagrad",
        "--cluster.servers", "colocated", "--train.batch_size", "48", "--train.epochs", "2",
    ];
}
