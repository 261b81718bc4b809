using OpenEmbedding.Collectives;

namespace OpenEmbedding.Benchmarks.Cluster;

/// <summary>Why the benchmark cannot go on, in one line.</summary>
internal sealed class BenchException(string message, Exception? inner = null) : OpenEmbeddingException(message, JobExitCode.Failure, inner);
