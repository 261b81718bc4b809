namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>The gradients of one pull.</summary>
/// <param name="Ticket">A pull of <see cref="PullMode.Train"/> for the step that is pushed; keys are not sent again.</param>
/// <param name="Gradients">By section and table of section: the address of [keys, Dimension] of the table's element type in the order of
/// <see cref="KeyBatch.Keys"/>; read before the push returns.</param>
public readonly record struct GradientBlock(PullTicket Ticket, nint[][] Gradients);
