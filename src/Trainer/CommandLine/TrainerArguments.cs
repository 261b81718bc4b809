using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.CommandLine;

/// <summary>What the command line of <c>oe-train</c> asks for.</summary>
public abstract record TrainerArguments;

/// <summary>Train: the default.</summary>
/// <param name="ConfigPath">The configuration file; null when the overrides say all.</param>
/// <param name="Overrides">The keys given on the command line.</param>
public sealed record TrainArguments(string? ConfigPath, IReadOnlyList<ConfigurationOverride> Overrides) : TrainerArguments;

/// <summary>Say what is in the rows that a job would read, and stop.</summary>
/// <param name="ConfigPath">The configuration file; null when the overrides say all.</param>
/// <param name="Overrides">The keys given on the command line.</param>
public sealed record InspectArguments(string? ConfigPath, IReadOnlyList<ConfigurationOverride> Overrides) : TrainerArguments;

/// <summary>Write rows anew, and stop.</summary>
/// <param name="ConfigPath">The configuration file; null when the overrides say all.</param>
/// <param name="Overrides">The keys given on the command line.</param>
/// <param name="Out">The file to write.</param>
public abstract record PreparationArguments(string? ConfigPath, IReadOnlyList<ConfigurationOverride> Overrides, string Out) : TrainerArguments;

/// <summary>Write rows in another form.</summary>
/// <inheritdoc cref="PreparationArguments"/>
public sealed record ConvertArguments(string? ConfigPath, IReadOnlyList<ConfigurationOverride> Overrides, string Out)
    : PreparationArguments(ConfigPath, Overrides, Out);

/// <summary>Write rows with numbered categories and scaled dense values.</summary>
/// <param name="ConfigPath">The configuration file; null when the overrides say all.</param>
/// <param name="Overrides">The keys given on the command line.</param>
/// <param name="Out">Takes the training rows.</param>
/// <param name="TestOut">Takes the test rows; null for none.</param>
/// <param name="Fewest">How often a category must come to have a number of its own, at least 1.</param>
public sealed record PreprocessArguments(string? ConfigPath, IReadOnlyList<ConfigurationOverride> Overrides, string Out, string? TestOut, long Fewest)
    : PreparationArguments(ConfigPath, Overrides, Out);

/// <summary>Print a text and stop: help, the version, the JSON schema or the key table.</summary>
/// <param name="Text">The text, with its last line end.</param>
public sealed record PrintArguments(string Text) : TrainerArguments;

/// <summary>Write Criteo-shaped sample data.</summary>
/// <param name="Rows">The number of rows, at least 1.</param>
/// <param name="Out">The file to write.</param>
/// <param name="Seed">The seed; the same seed gives the same file.</param>
/// <param name="Format"><see cref="DataFormat.Criteo"/> or <see cref="DataFormat.Csv"/>.</param>
/// <param name="Vocabulary">Ids of all sparse columns together; null for columns as Criteo's are.</param>
/// <param name="Zipf">The exponent of Zipf's law, at least 0; without meaning when <paramref name="Vocabulary"/> is null.</param>
public sealed record GenerateArguments(
    long Rows, string Out, long Seed, DataFormat Format, int? Vocabulary = null, double Zipf = ZipfCategories.DefaultExponent) : TrainerArguments;
