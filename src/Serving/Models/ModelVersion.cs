using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving.Models;

/// <summary>
/// One version of a model in memory. Requests hold it while they compute, so that a version that has been replaced answers those it began.
/// </summary>
internal sealed class ModelVersion
{
    public const string DescriptionFile = "model.json";
    private const string ModelFile = "model.onnx";

    private readonly IComputation _computation;

    // The list of served versions holds one, every request under way another.
    private int _holders = 1;

    private ModelVersion(long number, IComputation computation)
    {
        Number = number;
        _computation = computation;
    }

    public long Number { get; }

    public Signature Signature => _computation.Signature;

    /// <summary>Opens a folder that <c>oe-train --export</c> or <c>--export-dense</c> wrote, after its checksums.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="number">The version's number.</param>
    /// <param name="cluster">Where the tables of a dense part are loaded; <c>null</c> where there are no shards.</param>
    /// <exception cref="OpenEmbeddingException">The folder is not an exported model, or a file of it is damaged.</exception>
    public static ModelVersion Load(string model, string folder, long number, ShardCluster? cluster)
    {
        try
        {
            byte[] text = File.ReadAllBytes(Path.Combine(folder, DescriptionFile));
            using JsonDocument description = JsonDocument.Parse(text);
            CheckFiles(folder, description.RootElement);
            if (ServedTables.Read(description.RootElement) is not { } tables)
            {
                return new ModelVersion(number, Open(folder, ModelFile, session => new WholeModel(session)));
            }

            var version = new ShardedVersion(model, number, ShardAssignment.IdentityOf(model, number, text), Path.GetFullPath(folder));
            ShardCluster shards = cluster ?? throw new OpenEmbeddingException($"{folder} is a dense part, whose tables shards hold; --shards names them");
            return new ModelVersion(number, Open(folder, ModelFile, dense => Open(folder, ServedTables.KeysFileName, keys =>
            {
                shards.Load(version).GetAwaiter().GetResult();
                return new ShardedModel(dense, keys, tables, shards, version);
            })));
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
            _computation.Dispose();
        }
    }

    /// <summary>The output of each row. Any thread may call it, several at a time.</summary>
    /// <exception cref="RequestException">A category is out of the range of the model's rows, or a shard of the tables does not answer; 503.</exception>
    public ValueTask<float[]> Predict(FeatureColumns columns, CancellationToken stop) => _computation.Predict(columns, stop);

    private static IComputation Open(string folder, string file, Func<InferenceSession, IComputation> create)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        var session = new InferenceSession(Path.Combine(folder, file), options);
        try
        {
            return create(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static void CheckFiles(string folder, JsonElement description)
    {
        foreach (JsonElement file in description.GetProperty("files").EnumerateArray())
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
