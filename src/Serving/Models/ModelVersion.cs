using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Collectives;
using OpenEmbedding.Serving.Rest;

namespace OpenEmbedding.Serving.Models;

/// <summary>
/// One version of a model in memory. Requests hold it while they compute, so that a version that has been replaced answers those it began.
/// </summary>
internal sealed class ModelVersion
{
    public const string DescriptionFile = "model.json";
    private const string ModelFile = "model.onnx";

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();

    // The list of served versions holds one, every request under way another.
    private int _holders = 1;

    private ModelVersion(long number, InferenceSession session)
    {
        Number = number;
        _session = session;
        Signature = new Signature(session);
    }

    public long Number { get; }

    public Signature Signature { get; }

    /// <summary>Opens a folder that <c>oe-train --export</c> wrote, after its checksums.</summary>
    /// <exception cref="OpenEmbeddingException">The folder is not an exported model, or a file of it is damaged.</exception>
    public static ModelVersion Load(string folder, long number)
    {
        try
        {
            CheckFiles(folder);
            using var options = new SessionOptions { IntraOpNumThreads = 1 };
            var session = new InferenceSession(Path.Combine(folder, ModelFile), options);
            try
            {
                return new ModelVersion(number, session);
            }
            catch
            {
                session.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or OnnxRuntimeException)
        {
            throw new OpenEmbeddingException($"{folder} is not an exported model: {e.Message.ReplaceLineEndings(" ")}", innerException: e);
        }
    }

    /// <summary>Takes part in holding the version; <c>false</c> when it is gone already.</summary>
    public bool TryHold()
    {
        int holders = Volatile.Read(ref _holders);
        while (holders > 0)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                return true;
            }

            holders = seen;
        }

        return false;
    }

    /// <summary>Ends one's part in holding the version; the last one frees its memory.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            _session.Dispose();
            _runOptions.Dispose();
        }
    }

    /// <summary>The output of each row. Any thread may call it, several at a time.</summary>
    /// <exception cref="RestException">A category is out of the range of the model's rows.</exception>
    public float[] Predict(FeatureColumns columns)
    {
        OrtValue[] tensors = columns.ToTensors();
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(_runOptions, Signature.InputNames, tensors, [Signature.Output.Name]);
            return outputs[0].GetTensorDataAsSpan<float>().ToArray();
        }
        catch (OnnxRuntimeException e) when (e.Message.Contains("out of data bounds", StringComparison.Ordinal))
        {
            throw RestException.Malformed($"a category is out of range: {e.Message.ReplaceLineEndings(" ")}");
        }
        finally
        {
            Array.ForEach(tensors, tensor => tensor.Dispose());
        }
    }

    private static void CheckFiles(string folder)
    {
        using JsonDocument description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, DescriptionFile)));
        foreach (JsonElement file in description.RootElement.GetProperty("files").EnumerateArray())
        {
            string path = Path.Combine(folder, file.GetProperty("name").GetString()!);
            using FileStream stream = File.OpenRead(path);
            if (!Convert.ToHexStringLower(SHA256.HashData(stream)).Equals(file.GetProperty("sha256").GetString(), StringComparison.OrdinalIgnoreCase))
            {
                throw new OpenEmbeddingException($"{path} is damaged: its checksum is not that of {DescriptionFile}");
            }
        }
    }
}
