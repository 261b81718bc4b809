using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Data;

/// <content>What scaling computes, for formats of exported models.</content>
public sealed partial class DenseScale
{
    /// <summary>Says what <see cref="Apply"/> computes, of float32 values [n, dense columns].</summary>
    internal GraphValue Describe(ComputationGraph graph, GraphValue values)
    {
        if (_scaling == DenseScaling.None)
        {
            return values;
        }

        GraphValue x = graph.Cast(values, ElementType.Float64);
        if (_scaling == DenseScaling.Log)
        {
            GraphValue logarithms = graph.Logarithm(graph.Add(graph.Absolute(x), graph.Doubles("scale.one", 1)));
            return graph.Cast(graph.Multiply(graph.Sign(x), logarithms), ElementType.Float32);
        }

        x = graph.Multiply(graph.Subtract(x, graph.Doubles("scale.offsets", _offsets)), graph.Doubles("scale.factors", _factors));
        if (_scaling == DenseScaling.MinMax)
        {
            x = graph.Clip(x, graph.Double("scale.low", 0), graph.Double("scale.high", 1));
        }

        return graph.Cast(x, ElementType.Float32);
    }
}
