using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Shards;

/// <summary>The dense part of a model whose tables are on shards: keys are computed here, rows are asked for, and the dense part is computed here.</summary>
internal sealed class ShardedModel : IComputation
{
    private readonly InferenceSession _dense;
    private readonly InferenceSession _keys;
    private readonly RunOptions _runOptions = new();
    private readonly ServedTables _tables;
    private readonly ShardCluster _cluster;
    private readonly ShardedVersion _version;
    private readonly string[] _denseInputs;

    /// <summary>Takes over the sessions, of a version whose tables the shards have loaded.</summary>
    public ShardedModel(InferenceSession dense, InferenceSession keys, ServedTables tables, ShardCluster cluster, ShardedVersion version)
    {
        (_dense, _keys, _tables, _cluster, _version) = (dense, keys, tables, cluster, version);
        _denseInputs = [.. dense.InputMetadata.Keys.Except(tables.Inputs)];
        Signature = new Signature(
            [.. _denseInputs.Select(name => KeyValuePair.Create(name, dense.InputMetadata[name])), .. keys.InputMetadata], dense.OutputMetadata);
    }

    public Signature Signature { get; }

    public async ValueTask<float[]> Predict(FeatureColumns columns, CancellationToken stop)
    {
        OrtValue[] tensors = columns.ToTensors();
        try
        {
            var rows = new RowRequest(_tables, _cluster.Shards, Keys(tensors));
            await Fetch(rows, stop);
            return Compute(tensors, rows);
        }
        catch (ShardException e)
        {
            throw new RequestException(503, e.Message);
        }
        finally
        {
            Array.ForEach(tensors, tensor => tensor.Dispose());
        }
    }

    public void Dispose()
    {
        _dense.Dispose();
        _keys.Dispose();
        _runOptions.Dispose();
        _ = _cluster.Unload(_version);
    }

    private long[] Keys(OrtValue[] tensors)
    {
        using IDisposableReadOnlyCollection<OrtValue> keys = _keys.Run(
            _runOptions, _keys.InputNames, tensors[_denseInputs.Length..], _keys.OutputNames);
        return keys[0].GetTensorDataAsSpan<long>().ToArray();
    }

    private Task Fetch(RowRequest rows, CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, _cluster.Shards).Where(rows.Asks).Select(async shard =>
    {
        byte[] lookup = Lookup.Write(_version.Identity, shard, _cluster.Shards, rows.KeysOf(shard));
        rows.Take(shard, await _cluster.Look(_version, shard, lookup, stop));
    }));

    private float[] Compute(OrtValue[] tensors, RowRequest rows)
    {
        OrtValue[] inputs = rows.ToTensors();
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = _dense.Run(
                _runOptions, [.. _denseInputs, .. _tables.Inputs], [.. tensors[.._denseInputs.Length], .. inputs], [Signature.Output.Name]);
            return outputs[0].GetTensorDataAsSpan<float>().ToArray();
        }
        finally
        {
            Array.ForEach(inputs, input => input.Dispose());
        }
    }
}
