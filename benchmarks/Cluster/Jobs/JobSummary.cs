using System.Text.Json;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>What is taken from the summary that a job wrote.</summary>
/// <param name="SamplesPerSecond">Samples of all trainers in a second, without the first steps.</param>
/// <param name="Trainers">Ranks that trained.</param>
/// <param name="Servers">Ranks that served.</param>
/// <param name="PeakMemoryBytes">The largest resident set of any rank; null when it was not told.</param>
internal sealed record JobSummary(double SamplesPerSecond, int Trainers, int Servers, long? PeakMemoryBytes)
{
    /// <summary>Reads the file of a job.</summary>
    /// <exception cref="BenchException">It holds no speed.</exception>
    public static JobSummary Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = document.RootElement;
        if (!root.TryGetProperty("steady", out JsonElement steady) || steady.ValueKind != JsonValueKind.Object)
        {
            throw new BenchException($"{path}: the job ran no step that counts");
        }

        return new JobSummary(
            steady.GetProperty("samples_per_second").GetDouble(),
            root.GetProperty("trainers").GetInt32(),
            root.GetProperty("servers").GetInt32(),
            root.TryGetProperty("peak_memory_bytes", out JsonElement memory) ? memory.GetInt64() : null);
    }
}
