using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>A request that waits for a step.</summary>
/// <param name="Trainer">Who asks.</param>
/// <param name="AppliedSteps">How many steps must be applied before the answer.</param>
/// <param name="Pull">The rows of a pull that is to be trained, else null.</param>
/// <param name="Message">Any other request, else null.</param>
internal readonly record struct ParkedRequest(TrainerState Trainer, long AppliedSteps, ResolvedPull? Pull, MessageBuffer? Message);
