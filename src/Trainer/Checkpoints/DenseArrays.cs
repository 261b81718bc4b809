using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.Trainer.Checkpoints;

/// <summary>The arrays of the file of the dense weights, by name.</summary>
/// <param name="file">The file, for messages.</param>
/// <param name="arrays">Its arrays.</param>
internal sealed class DenseArrays(string file, IReadOnlyList<NamedArray> arrays)
{
    private readonly Dictionary<string, NamedArray> _byName = arrays.ToDictionary(array => array.Name);

    /// <summary>All arrays, in the order of the file.</summary>
    public IReadOnlyList<NamedArray> All => arrays;

    /// <summary>The array that holds a parameter's weights; its slots have names below this one.</summary>
    public static string NameOf(string parameter) => "dense/" + parameter;

    /// <summary>An array, null if there is none of that name.</summary>
    public NamedArray? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>An array of the shape and type that the model has.</summary>
    /// <exception cref="OpenEmbeddingException">It is missing, or has another shape or type.</exception>
    public NamedArray Get(string name, string type, ReadOnlySpan<long> shape)
    {
        if (!_byName.TryGetValue(name, out NamedArray? array))
        {
            throw new OpenEmbeddingException($"{file} has no array {name}, which the model needs; it is of another model.", JobExitCode.Configuration);
        }

        return array.Type == type && shape.SequenceEqual(array.Shape)
            ? array
            : throw new OpenEmbeddingException(
                $"{file}: array {name} is {array.Type} [{string.Join(", ", array.Shape)}], the model has {type} [{string.Join(", ", shape.ToArray())}].",
                JobExitCode.Configuration);
    }
}
