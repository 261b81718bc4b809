using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving;

/// <summary>Finds models and predicts with them, for REST and gRPC alike. Any thread may call it.</summary>
internal sealed class Predictor(IReadOnlyDictionary<string, ServedModel> models, ServingMetrics metrics, BatchQueue queue)
{
    /// <summary>The versions of a model, or the one of a number.</summary>
    /// <exception cref="RequestException">There are none; 404.</exception>
    public IReadOnlyList<VersionState> States(string model, long? version)
    {
        VersionState[] states = [.. Find(model).States.Where(state => version is null || state.Number == version)];
        return states.Length > 0
            ? states
            : throw RequestException.NotFound($"Could not find {(version is null ? "any versions" : $"version {version}")} of model {model}");
    }

    /// <summary>The version that answers, held until it is released.</summary>
    /// <exception cref="RequestException">There is none; 404.</exception>
    public ModelVersion Hold(string model, long? version) => Find(model).Hold(version) ?? throw RequestException.NotFound(
        $"Servable not found for request: {(version is null ? $"Latest({model})" : $"Specific({model}, {version})")}");

    /// <summary>Times a request for predictions until it is disposed of.</summary>
    /// <exception cref="RequestException">There is no such model; 404.</exception>
    public IDisposable Time(string model) => metrics.Time(Find(model).Name);

    /// <summary>Predicts the rows of a request when its turn comes.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number; <c>null</c> for the one that is served.</param>
    /// <param name="read">Reads the rows by the model's signature.</param>
    /// <param name="stop">The client is gone.</param>
    /// <exception cref="RequestException">The model, the version or the rows are wrong, or too many requests wait, or its turn does not come in time.</exception>
    public async Task<Prediction> Predict(string model, long? version, Func<Signature, FeatureColumns> read, CancellationToken stop)
    {
        ModelVersion held = Hold(model, version);
        FeatureColumns columns;
        try
        {
            columns = read(held.Signature);
        }
        catch
        {
            held.Release();
            throw;
        }

        float[] outputs = await queue.Predict(held, columns, stop);
        metrics.Count(model, outputs.Length);
        return new Prediction(held.Number, held.Signature.Output, outputs);
    }

    private ServedModel Find(string model) => models.TryGetValue(model, out ServedModel? served)
        ? served
        : throw RequestException.NotFound($"Could not find any versions of model {model}; served are: {string.Join(", ", models.Keys)}");
}

/// <summary>The answer to a request.</summary>
/// <param name="Version">The version that computed it.</param>
/// <param name="Output">The model's output.</param>
/// <param name="Outputs">Its number for each row.</param>
internal sealed record Prediction(long Version, Port Output, float[] Outputs);
