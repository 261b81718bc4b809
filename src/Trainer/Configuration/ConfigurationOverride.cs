namespace OpenEmbedding.Trainer.Configuration;

/// <summary>A key and its value from the command line.</summary>
/// <param name="Key">The key with its sections, as in <c>optimizer.learning_rate</c>.</param>
/// <param name="Value">The value as text: a number, a name, a list by commas, or JSON.</param>
public sealed record ConfigurationOverride(string Key, string Value);
