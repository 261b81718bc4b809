using System.Globalization;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Models whose tables are apart, with rows of which many keys were never trained, and the trainer's own probabilities of them.</summary>
public sealed class DenseModels : IDisposable
{
    private const int TrainRows = 200;
    private const int TestRows = 150;
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;
    private readonly Dictionary<(string Model, string Kind), DenseModel> _models = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The model, trained on the first rows and asked for those behind.</summary>
    internal DenseModel Get(string model, string kind)
    {
        if (_models.TryGetValue((model, kind), out DenseModel? trained))
        {
            return trained;
        }

        string folder = Path.Combine(_folder, $"{model}-{kind}");
        string data = Environment.GetEnvironmentVariable("OPENEMBEDDING_CRITEO_DATA") ?? Generate();
        string predictions = Path.Combine(_folder, "predictions.txt");
        TrainedModel.Train(
            "--data.train.files", data, "--data.train.rows", $"0-{TrainRows - 1}", "--data.test.files", data,
            "--data.test.rows", $"{TrainRows}-{TrainRows + TestRows - 1}", "--model", model, "--model.dnn_hidden_units", "16,8", "--model.cin_layer_size", "8,4",
            "--embedding.kind", kind, "--embedding.initializer.stddev", "0.3", "--optimizer.learning_rate", "0.05", "--train.batch_size", "50",
            "--save", Path.Combine(folder, "tables"), "--export-dense", Path.Combine(folder, "criteo", "1"), "--export", Path.Combine(folder, "whole", "1"),
            "--output.predictions", predictions);
        string[][] rows = [.. File.ReadLines(data).Skip(TrainRows).Take(TestRows).Select(line => line.Split('\t'))];
        double[] probabilities = [.. File.ReadLines(predictions).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        return _models[(model, kind)] = new DenseModel(folder, rows, probabilities);
    }

    private string Generate()
    {
        string data = Path.Combine(_folder, "rows.txt");
        if (!File.Exists(data))
        {
            TrainedModel.Train("generate", "--rows", $"{TrainRows + TestRows}", "--out", data);
        }

        return data;
    }
}

/// <summary>A trained model.</summary>
/// <param name="Path">A folder with the dense part as version 1 of <c>criteo</c>, the tables in <c>tables</c>, and the whole model in <c>whole</c>.</param>
/// <param name="Rows">The fields of each row in Criteo's form.</param>
/// <param name="Probabilities">The trainer's probability of each.</param>
internal sealed record DenseModel(string Path, string[][] Rows, double[] Probabilities)
{
    public string Versions => System.IO.Path.Combine(Path, "criteo");
}
