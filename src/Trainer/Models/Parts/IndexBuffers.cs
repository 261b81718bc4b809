using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>Places that a part looks up in every pass, where its weights lie; they are no state of the model.</summary>
internal static class IndexBuffers
{
    public static Tensor RegisterIndex(this nn.Module module, string name, long[] index, SeededWeights weights)
    {
        Tensor values = tensor(index, device: weights.Device);
        module.register_buffer(name, values, persistent: false);
        return values;
    }
}
