using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.Trainer.Checkpoints;

namespace OpenEmbedding.Trainer.Models;

/// <content>The parameters and the rule's state, for a checkpoint.</content>
public sealed unsafe partial class DenseOptimizer
{
    private string TypeName => Safetensors.TypeName(ElementType);

    /// <summary>Copies all weights, <c>dense/NAME</c>, and if asked for the state of each, <c>dense/NAME/SLOT</c>.</summary>
    public IReadOnlyList<NamedArray> Export(bool slots)
    {
        var arrays = new List<NamedArray>();
        for (int i = 0; i < _parameters.Length; i++)
        {
            string name = ArrayName(i);
            long[] shape = _parameters[i].Parameter.shape;
            int bytes = Bytes(i);
            arrays.Add(new NamedArray(name, TypeName, shape, _parameters[i].Parameter.bytes.ToArray()));
            if (!slots)
            {
                continue;
            }

            byte* slot = _slots[i];
            foreach (string slotName in _rule.SlotNames)
            {
                arrays.Add(new NamedArray($"{name}/{slotName}", TypeName, shape, new Span<byte>(slot, bytes).ToArray()));
                slot += bytes;
            }

            if (_rule.CountsSteps)
            {
                arrays.Add(new NamedArray($"{name}/{RowOptimizer.StepsName}", "I32", [1], new Span<byte>(slot, sizeof(int)).ToArray()));
            }
        }

        return arrays;
    }

    /// <summary>Takes what <see cref="Export"/> gave.</summary>
    /// <param name="arrays">The arrays.</param>
    /// <param name="slots">Whether the state is taken too.</param>
    /// <exception cref="OpenEmbeddingException">An array is missing, or has another shape or type.</exception>
    internal void Import(DenseArrays arrays, bool slots)
    {
        for (int i = 0; i < _parameters.Length; i++)
        {
            string name = ArrayName(i);
            long[] shape = _parameters[i].Parameter.shape;
            arrays.Get(name, TypeName, shape).Data.Span.CopyTo(_parameters[i].Parameter.bytes);
            if (!slots)
            {
                continue;
            }

            byte* slot = _slots[i];
            foreach (string slotName in _rule.SlotNames)
            {
                arrays.Get($"{name}/{slotName}", TypeName, shape).Data.Span.CopyTo(new Span<byte>(slot, Bytes(i)));
                slot += Bytes(i);
            }

            if (_rule.CountsSteps)
            {
                arrays.Get($"{name}/{RowOptimizer.StepsName}", "I32", [1]).Data.Span.CopyTo(new Span<byte>(slot, sizeof(int)));
            }
        }
    }

    private string ArrayName(int parameter) => DenseArrays.NameOf(_parameters[parameter].Name);

    private int Bytes(int parameter) => checked((int)(_parameters[parameter].Parameter.numel() * _elementBytes));
}
