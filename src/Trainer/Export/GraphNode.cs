using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Export;

/// <summary>An array that flows through a <see cref="ComputationGraph"/>.</summary>
/// <param name="Name">Its name, unique in the graph.</param>
internal readonly record struct GraphValue(string Name);

/// <summary>An input or output of the whole graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Row">The shape of what it has for each of the n rows, [1] for a column.</param>
internal sealed record GraphPort(string Name, ElementType Type, IReadOnlyList<long> Row);

/// <summary>One operation of a <see cref="ComputationGraph"/>.</summary>
/// <param name="Operation">What it computes.</param>
/// <param name="Output">What it gives.</param>
/// <param name="Inputs">What it takes, in the order of <see cref="Export.Operation"/>.</param>
/// <param name="Numbers">
/// The axis of <see cref="Operation.Concatenate"/> and <see cref="Operation.Sum"/>, the shape, the order of dimensions, axis, first and last of
/// <see cref="Operation.Slice"/>, the sorted list of <see cref="Operation.Find"/>; else none.
/// </param>
/// <param name="Type">The type to which <see cref="Operation.Cast"/> casts; without meaning for the others.</param>
internal sealed record GraphNode(Operation Operation, string Output, IReadOnlyList<string> Inputs, IReadOnlyList<long> Numbers, ElementType Type);
