using OpenEmbedding.Trainer.Export;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>All pairwise products of the columns: ½ Σ_d [(Σ_f v_f)² − Σ_f v_f²]. It has no weights of its own.</summary>
/// <remarks>Source: Rendle, Factorization Machines, 2010.</remarks>
internal sealed class FactorizationMachine() : Interaction(nameof(FactorizationMachine))
{
    public override Tensor Logits(Features features)
    {
        Tensor rows = features.Embeddings;
        return (rows.sum(1).square() - rows.square().sum(1)).sum(1, keepdim: true) * 0.5;
    }

    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        GraphValue rows = features.Embeddings;
        GraphValue sum = graph.Sum(rows, axis: 1);
        GraphValue squares = graph.Sum(graph.Multiply(rows, rows), axis: 1);
        GraphValue pairs = graph.Sum(graph.Subtract(graph.Multiply(sum, sum), squares), axis: 1);
        return graph.Reshape(graph.Multiply(pairs, graph.Number("fm.half", 0.5)), -1, 1);
    }
}
