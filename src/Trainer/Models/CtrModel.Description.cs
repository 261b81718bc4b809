using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Models;

/// <content>What the model computes, for formats of exported models.</content>
public sealed partial class CtrModel
{
    /// <summary>Says what <see cref="forward"/> computes.</summary>
    /// <param name="graph">Takes the operations.</param>
    /// <param name="linear">[n, F, 1].</param>
    /// <param name="embeddings">[n, F, d]; null for LR.</param>
    /// <param name="dense">[n, D]; null without dense columns.</param>
    /// <returns>The logits, [n, 1].</returns>
    internal GraphValue Describe(ComputationGraph graph, GraphValue linear, GraphValue? embeddings, GraphValue? dense)
    {
        GraphValue logits = graph.Add(graph.Sum(linear, axis: 1), graph.Weight("bias", _bias));
        if (_linearDense is not null)
        {
            logits = graph.Add(logits, graph.MatrixProduct(dense!.Value, graph.Weight(LinearDense, _linearDense)));
        }

        if (embeddings is not { } rows)
        {
            return logits;
        }

        if (_dnn is not null)
        {
            GraphValue flat = graph.Reshape(rows, -1, (long)_sparseColumns * _dimension);
            logits = graph.Add(logits, _dnn.Describe(graph, dense is { } values ? graph.Concatenate(1, [flat, values]) : flat));
        }

        if (_options.Name == ModelName.DeepFM)
        {
            logits = graph.Add(logits, DescribeFactorizationMachine(graph, rows));
        }

        return _cin is null ? logits : graph.Add(logits, _cin.Describe(graph, rows, _sparseColumns, _dimension));
    }

    private static GraphValue DescribeFactorizationMachine(ComputationGraph graph, GraphValue embeddings)
    {
        GraphValue sum = graph.Sum(embeddings, axis: 1);
        GraphValue squares = graph.Sum(graph.Multiply(embeddings, embeddings), axis: 1);
        GraphValue pairs = graph.Sum(graph.Subtract(graph.Multiply(sum, sum), squares), axis: 1);
        return graph.Reshape(graph.Multiply(pairs, graph.Number("fm.half", 0.5)), -1, 1);
    }
}
