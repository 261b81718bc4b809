using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Benchmarks.Gpu;

/// <summary>Training on the GPU gives the weights of training on the processor, and says in one line where it cannot be.</summary>
/// <param name="jobs">Starts the jobs.</param>
/// <param name="folder">Takes rows and weights.</param>
internal sealed class Equality(Jobs jobs, string folder)
{
    private const int Rows = 20_000;
    private const int Cluster = 4;

    // In float64 nothing but the order of sums differs; in float32 Adam turns the smallest differences of gradients near zero into steps.
    private const double ToleranceWide = 1e-9;
    private const double Tolerance = 1e-4;

    private string _only = "";

    /// <summary>Runs the comparisons.</summary>
    /// <param name="say">Takes a line for each.</param>
    /// <param name="only">What is in the names of those that are run; nothing for all.</param>
    /// <returns>Whether all passed.</returns>
    public bool Run(Action<string> say, string only)
    {
        _only = only;
        string rows = Path.Combine(folder, "equality.txt");
        new CriteoGenerator(seed: 7).WriteFile(rows, Rows);
        string[] job = ["--data.train", rows, "--train.batch_size", "512", "--output.progress", "none"];
        bool passed = true;
        foreach (string model in (string[])["LR", "WDL", "DeepFM", "xDeepFM", "DCN-v2", "AutoInt", "FiBiNET", "DLRM"])
        {
            string[] one = [.. job, "--model.name", model];
            passed &= Compare(say, $"{model}, float64, Adam", [.. one, "--model.dtype", "float64", "--optimizer.name", "Adam"], 1, [], ToleranceWide);
            passed &= Compare(say, $"{model}, float32, Adagrad", [.. one, "--optimizer.name", "Adagrad"], 1, [], Tolerance);
        }

        string[] more = [.. job, "--model.name", "DeepFM", "--embedding.kind", "hash", "--optimizer.name", "Adam", "--model.dtype", "float64"];
        passed &= Compare(say, "DeepFM of hash tables, parts of a batch", more, 1, ["--train.micro_batch_size", "200"], ToleranceWide);
        passed &= Compare(say, "DeepFM, 3 ranks, of which 2 train and share the GPU", more, 3, [], ToleranceWide);
        passed &= Compare(say, "DeepFM, bfloat16 between ranks", [.. job, "--model.name", "DeepFM", "--cluster.wire.dense", "bfloat16", "--optimizer.name", "Adagrad"], 3, [], Tolerance);
        string[] arrays = [.. job, "--model.name", "DeepFM", "--optimizer.name", "Adam", "--model.dtype", "float64", "--embedding.kind", "array", "--data.vocabulary", "1000"];
        passed &= Compare(say, "DeepFM of columns with fewer weights", [.. arrays, "--data.sparse", Columns(column => $"\"dimension\": {1 + (column % 3)}")], 1, [], ToleranceWide);
        string[] multiHot = [.. arrays[2..], "--data.train", WriteMultiHot(), "--data.sparse", Columns(column => $"\"max_length\": {1 + (column % 3)}, \"combiner\": \"mean\"")];
        passed &= Compare(say, "DeepFM of multi-hot columns, parts of a batch", multiHot, 1, ["--train.micro_batch_size", "200"], ToleranceWide);
        return passed & RefusesWhatCannotBe(say, more);

        static string Columns(Func<int, string> keys) =>
            $"[{string.Join(", ", Enumerable.Range(1, 26).Select(column => $"{{\"name\": \"C{column}\", {keys(column)}}}"))}]";
    }

    /// <summary>Rows of which some fields have the category of their neighbour too.</summary>
    private string WriteMultiHot()
    {
        string path = Path.Combine(folder, "multi-hot.csv");
        new CriteoGenerator(seed: 7).WriteFile(path, Rows);
        string[] lines = File.ReadAllLines(path);
        for (int line = 1; line < lines.Length; line++)
        {
            string[] fields = lines[line].Split(',');
            int first = fields.Length - 26;
            for (int column = 1; column < 26; column++)
            {
                if (column % 3 > 0 && (column + line) % 2 > 0)
                {
                    fields[first + column - 1] += "|" + fields[first + column];
                }
            }

            lines[line] = string.Join(',', fields);
        }

        File.WriteAllLines(path, lines);
        return path;
    }

    private bool Compare(Action<string> say, string what, string[] job, int ranks, string[] onGpu, double allowed)
    {
        if (!what.Contains(_only, StringComparison.Ordinal))
        {
            return true;
        }

        string cpu = Path.Combine(folder, "cpu.safetensors"), cuda = Path.Combine(folder, "cuda.safetensors");
        Outcome host = jobs.Train(ranks, [.. job, "--train.device", "cpu", "--output.weights", cpu]);
        Outcome gpu = jobs.Train(ranks, [.. job, .. onGpu, "--train.device", "cuda", "--output.weights", cuda]);
        if (host.ExitCode != 0 || gpu.ExitCode != 0)
        {
            say($"FAIL {what}: {(host.ExitCode != 0 ? host : gpu).Text.Trim().ReplaceLineEndings(" ")}");
            return false;
        }

        double distance = Distance(cpu, cuda);
        bool near = distance <= allowed;
        say($"{(near ? "pass" : "FAIL")} {what}: weights differ by {distance:E1} at most from those of the processor (allowed {allowed:E0})");
        return near;
    }

    private bool RefusesWhatCannotBe(Action<string> say, string[] job)
    {
        Outcome outcome = jobs.Train(3, [.. job, "--train.device", "cuda", "--cluster.dense", "nccl"]);
        bool refused = outcome.ExitCode == Cluster && outcome.Text.Contains("cluster.dense is nccl, but ranks ", StringComparison.Ordinal);
        say($"{(refused ? "pass" : "FAIL")} two ranks on one GPU by NCCL: {outcome.Text.Trim().ReplaceLineEndings(" ")}");
        return refused;
    }

    /// <summary>The largest difference of a weight.</summary>
    private static double Distance(string one, string other)
    {
        using var first = new SafetensorsFile(one);
        using var second = new SafetensorsFile(other);
        double largest = 0;
        foreach ((ArrayPlan mine, ArrayPlan theirs) in first.Arrays.Zip(second.Arrays))
        {
            double[] a = Values(first, mine), b = Values(second, theirs);
            if (mine.Name != theirs.Name || a.Length != b.Length)
            {
                return double.PositiveInfinity;
            }

            largest = a.Zip(b, (x, y) => Math.Abs(x - y)).Append(largest).Max();
        }

        return largest;
    }

    private static double[] Values(SafetensorsFile file, ArrayPlan array)
    {
        byte[] bytes = new byte[array.Bytes];
        file.Read(array, 0, bytes);
        return array.Type switch
        {
            "F32" => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), value => (double)value),
            "I64" => Array.ConvertAll(MemoryMarshal.Cast<byte, long>(bytes).ToArray(), value => (double)value),
            _ => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
        };
    }
}
