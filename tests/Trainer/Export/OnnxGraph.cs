using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Export.Onnx;
using OpenEmbedding.Trainer.Tests.Data;

namespace OpenEmbedding.Trainer.Tests.Export;

/// <summary>A graph as an ONNX file in ONNX Runtime.</summary>
internal sealed class OnnxGraph : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly InferenceSession _session;

    public OnnxGraph(ComputationGraph graph, long largestInside = OnnxFile.LargestInside, int mostEncodedKeys = OnnxFile.MostEncodedKeys)
    {
        var export = new ExportFolder(Path.Combine(_folder.Path, "1"));
        new OnnxFile(graph, largestInside, mostEncodedKeys).Write(export);
        export.Commit();
        Files = [.. export.Files.Select(file => file.Name)];
        _session = new InferenceSession(Path.Combine(export.Target, OnnxFile.FileName));
    }

    public IReadOnlyList<string> Files { get; }

    public IEnumerable<string> Inputs => _session.InputNames;

    public IEnumerable<string> Outputs => _session.OutputNames;

    /// <summary>Computes all outputs, one behind the other.</summary>
    /// <param name="columns">An array for each input, in their order.</param>
    public T[] Run<T>(params Array[] columns)
        where T : unmanaged
    {
        OrtValue[] inputs = [.. columns.Select(Value)];
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(options, [.. _session.InputNames], inputs, [.. _session.OutputNames]);
        Array.ForEach(inputs, input => input.Dispose());
        return [.. outputs.SelectMany(output => output.GetTensorDataAsSpan<T>().ToArray())];
    }

    public void Dispose()
    {
        _session.Dispose();
        _folder.Dispose();
    }

    private static OrtValue Value(Array column) => column switch
    {
        float[] numbers => OrtValue.CreateTensorValueFromMemory(numbers, [numbers.Length, 1]),
        long[] numbers => OrtValue.CreateTensorValueFromMemory(numbers, [numbers.Length, 1]),
        _ => throw new ArgumentOutOfRangeException(nameof(column), column.GetType(), "not a type of inputs"),
    };
}
