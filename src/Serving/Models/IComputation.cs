namespace OpenEmbedding.Serving.Models;

/// <summary>What computes the predictions of a version. Any thread may call it, several at a time.</summary>
internal interface IComputation : IDisposable
{
    Signature Signature { get; }

    /// <summary>The output of each row.</summary>
    /// <exception cref="RequestException">Rows of tables that are elsewhere do not come; 503.</exception>
    ValueTask<float[]> Predict(FeatureColumns columns, CancellationToken stop);
}
