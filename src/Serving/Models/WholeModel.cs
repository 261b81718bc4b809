using Microsoft.ML.OnnxRuntime;

namespace OpenEmbedding.Serving.Models;

/// <summary>A model with its tables in it.</summary>
internal sealed class WholeModel : IComputation
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();

    /// <summary>Takes over the session.</summary>
    public WholeModel(InferenceSession session)
    {
        _session = session;
        Signature = new Signature(session);
    }

    public Signature Signature { get; }

    public ValueTask<float[]> Predict(FeatureColumns columns, CancellationToken stop)
    {
        OrtValue[] tensors = columns.ToTensors();
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(_runOptions, Signature.InputNames, tensors, [Signature.Output.Name]);
            return ValueTask.FromResult(outputs[0].GetTensorDataAsSpan<float>().ToArray());
        }
        catch (OnnxRuntimeException e) when (e.Message.Contains("out of data bounds", StringComparison.Ordinal))
        {
            throw RequestException.Malformed($"a category is out of range: {e.Message.ReplaceLineEndings(" ")}");
        }
        finally
        {
            Array.ForEach(tensors, tensor => tensor.Dispose());
        }
    }

    public void Dispose()
    {
        _session.Dispose();
        _runOptions.Dispose();
    }
}
