using OpenEmbedding.Collectives;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer;

/// <summary>
/// A torch optimizer for the dense parameters of all trainers, and the same rule on the servers for the embedding rows.
/// </summary>
/// <remarks>
/// Every trainer takes every step, also one that has no samples left. Each trainer's loss is the mean over its samples; the gradients of all
/// are averaged, weighted by their samples, dense and sparse alike, so that training equals one process with the batches of all.
/// </remarks>
public sealed unsafe class DistributedOptimizer
{
    private readonly Cluster _cluster;
    private readonly optim.Optimizer _dense;
    private readonly ServedEmbeddings _embeddings;
    private readonly Tensor[] _parameters;

    internal DistributedOptimizer(Cluster cluster, optim.Optimizer dense, ServedEmbeddings embeddings)
    {
        _cluster = cluster;
        _dense = dense;
        _embeddings = embeddings;

        // An embedding layer's weight is empty now, but during a step it is the rows of its last forward pass, which differ from rank to rank.
        _parameters = [.. dense.parameters().Where(parameter => parameter.numel() > 0)];
    }

    /// <summary>Sets all gradients to zero; the rows of forward passes since the last step stay to be trained.</summary>
    public void zero_grad()
    {
        _dense.zero_grad();
        _embeddings.ZeroGradients();
    }

    /// <summary>Averages the gradients over the trainers and moves dense parameters and embedding rows.</summary>
    /// <param name="samples">
    /// The samples that this trainer's mean loss is over; 0 takes part without any. By default all trainers count alike.
    /// </param>
    /// <exception cref="OpenEmbeddingException">A server failed.</exception>
    public void step(long samples = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        Span<long> total = [samples];
        _cluster.Trainers.AllReduce(total);
        double share = total[0] == 0 ? 0 : (double)samples / total[0];
        using var noGradients = no_grad();
        Tensor[] gradients = [.. _parameters.Select(GradientOf)];
        foreach (IGrouping<ScalarType, Tensor> alike in gradients.GroupBy(gradient => gradient.dtype))
        {
            Reduce([.. alike], share);
        }

        _embeddings.Push(share);
        _dense.step();
        _cluster.HoldTimelineAt(_embeddings.Steps);
    }

    /// <summary>The gradient of a parameter; zeros where this trainer has none, because the others may.</summary>
    private static Tensor GradientOf(Tensor parameter)
    {
        if (parameter.grad is null)
        {
            parameter.grad = zeros_like(parameter);
        }

        return parameter.grad!;
    }

    private void Reduce(Tensor[] gradients, double share)
    {
        ElementType type = gradients[0].dtype switch
        {
            ScalarType.Float32 => ElementType.Float32,
            ScalarType.Float64 => ElementType.Float64,
            ScalarType other => throw new OpenEmbeddingException($"dense gradients of {other} are not reduced; allowed: float32, float64"),
        };
        var segments = new Segment[gradients.Length];
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i].mul_(share);

            // The tensor keeps its memory while it is reduced: nobody else has it.
            fixed (byte* data = gradients[i].bytes)
            {
                segments[i] = new Segment((nint)data, gradients[i].numel());
            }
        }

        var format = WireFormat.OfGradients(type, _cluster.Wire.Dense);
        if (format.Converts)
        {
            Reduce(segments, format);
        }
        else
        {
            _cluster.Trainers.GroupedAllReduceAsync("dense gradients", segments, type, ReduceOperation.Sum).Wait();
        }
    }

    private void Reduce(Segment[] gradients, WireFormat format)
    {
        long count = gradients.Sum(gradient => gradient.Count);
        using MessageBuffer sent = MessageBuffer.Rent(count * format.SentBytes);
        nint place = sent.Pointer;
        foreach (Segment gradient in gradients)
        {
            format.Write(gradient.Data, place, gradient.Count);
            place += (nint)(gradient.Count * format.SentBytes);
        }

        _cluster.Trainers.AllReduceAsync("dense gradients", sent.Pointer, count, format.Sent, ReduceOperation.Sum).Wait();
        place = sent.Pointer;
        foreach (Segment gradient in gradients)
        {
            format.Read(place, gradient.Data, gradient.Count);
            place += (nint)(gradient.Count * format.SentBytes);
        }
    }
}
