using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>An exported model in ONNX Runtime, fed with rows of Criteo's form as docs/export.md says.</summary>
internal sealed class ExportedModel(string folder) : IDisposable
{
    private const int DenseColumns = 13;
    private const int SparseColumns = 26;
    private readonly InferenceSession _session = new(Path.Combine(folder, "model.onnx"));

    /// <summary>The names of what it takes.</summary>
    public IEnumerable<string> Inputs => _session.InputNames;

    /// <summary>The probabilities of rows, so many of them at a time.</summary>
    public float[] Predict(IEnumerable<string> rows, int batch) => [.. rows.Chunk(batch).SelectMany(PredictBatch)];

    public void Dispose() => _session.Dispose();

    private float[] PredictBatch(string[] rows)
    {
        string[][] fields = [.. rows.Select(row => row.Split('\t'))];
        var inputs = new Dictionary<string, OrtValue>();
        long[] shape = [rows.Length, 1];
        for (int column = 1; column <= DenseColumns; column++)
        {
            float[] values = [.. fields.Select(row => row[column].Length == 0 ? 0 : float.Parse(row[column], CultureInfo.InvariantCulture))];
            inputs.Add($"I{column}", OrtValue.CreateTensorValueFromMemory(values, shape));
        }

        for (int column = 1; column <= SparseColumns; column++)
        {
            string[] texts = [.. fields.Select(row => row[DenseColumns + column])];
            long[] values = [.. texts.Select(text => text.Length == 0 ? -1 : long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            inputs.Add($"C{column}", OrtValue.CreateTensorValueFromMemory(values, shape));
        }

        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(options, inputs, ["probability"]);
        foreach (OrtValue input in inputs.Values)
        {
            input.Dispose();
        }

        Assert.Equal(shape, outputs[0].GetTensorTypeAndShape().Shape);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
