using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>Finds the embedding layers of any module.</summary>
public static class EmbeddingLayers
{
    /// <summary>
    /// Lists every <see cref="Embedding"/> and <see cref="EmbeddingBag"/> of a module, itself included, in the order of registration; one that
    /// is registered several times appears once, under its first name. Nothing changes in the module.
    /// </summary>
    public static IReadOnlyList<EmbeddingLayer> Find(nn.Module module)
    {
        var layers = new List<EmbeddingLayer>();
        var seen = new HashSet<nn.Module>(ReferenceEqualityComparer.Instance);
        foreach ((string name, nn.Module submodule) in module.named_modules().Prepend((module.GetType().Name, module)))
        {
            if (submodule is Embedding or EmbeddingBag && seen.Add(submodule))
            {
                layers.Add(new EmbeddingLayer(name, submodule));
            }
        }

        return layers;
    }
}
