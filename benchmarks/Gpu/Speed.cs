using System.Globalization;
using System.Text.Json;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Benchmarks.Gpu;

/// <summary>Samples in a second of WDL, DeepFM and xDeepFM, beside PyTorch with its own sparse embeddings on the same GPU, and where a step's time goes.</summary>
/// <param name="jobs">Starts the jobs.</param>
/// <param name="folder">Takes the rows.</param>
internal sealed class Speed(Jobs jobs, string folder)
{
    private const int Rows = 1_000_000;
    private const int Ids = 5_000_000;
    private const double Zipf = 1.05;
    private const int Servers = 4;

    private static readonly string[] _phases =
        ["read batch", "plan keys", "wait for rows", "load", "forward", "backward", "collect", "score", "push", "wait for dense gradients", "dense step"];

    private readonly string _rows = Path.Combine(folder, "speed.txt");
    private readonly string _vocabulary = string.Join(',', new ZipfCategories(Ids, Zipf).Vocabulary);

    /// <summary>Measures all.</summary>
    /// <param name="say">Takes the table's lines.</param>
    /// <param name="only">Model, dimension and batch, the first of them or none: what is measured; all of what is not said.</param>
    /// <returns>Whether every job ran.</returns>
    public bool Run(Action<string> say, string[] only)
    {
        new CriteoGenerator(seed: 1024, categories: new ZipfCategories(Ids, Zipf)).WriteFile(_rows, Rows);
        bool ran = true;
        say("| model | dim | batch | PyTorch, samples/s | 1 rank | ratio | 4 servers, 1 trainer | ratio |");
        foreach (string model in (string[])["WDL", "DeepFM", "xDeepFM"])
        {
            foreach (int dimension in (int[])[9, 64])
            {
                // The products of xDeepFM's maps of 65536 samples take more memory than a GPU has at dimension 64.
                foreach (int batch in (int[])[4096, model == "xDeepFM" && dimension == 64 ? 16384 : 65536])
                {
                    if (only.Zip([model, Text(dimension), Text(batch)]).All(pair => pair.First == pair.Second))
                    {
                        ran &= Measure(say, model, dimension, batch);
                    }
                }
            }
        }

        foreach (int batch in (int[])[4096, 65536])
        {
            ran &= Split(say, batch);
        }

        return ran;
    }

    // Steps enough for a second or two, behind those in which code is compiled and tables are touched first.
    private static int WarmUpOf(int batch) => batch > 10_000 ? 10 : 60;

    private static int MeasuredOf(int batch) => batch > 10_000 ? 30 : 150;

    private bool Measure(Action<string> say, string model, int dimension, int batch)
    {
        double peer = jobs.SpeedOfPeer(
            [
                "--model", model, "--dim", Text(dimension), "--vocabulary", _vocabulary, "--zipf", Text(Zipf), "--batch", Text(batch),
                "--warmup", Text(WarmUpOf(batch)), "--steps", Text(MeasuredOf(batch)),
            ],
            say);
        IEnumerable<string> job = Arguments(model, dimension, batch);
        double one = jobs.SpeedOfTraining(1, job, say);
        double served = jobs.SpeedOfTraining(Servers + 1, [.. job, "--cluster.servers", Text(Servers)], say);
        say(string.Create(
            CultureInfo.InvariantCulture,
            $"| {model} | {dimension} | {batch} | {peer / 1000:F0} k | {one / 1000:F0} k | {one / peer:F2} | {served / 1000:F0} k | {served / peer:F2} |"));
        return double.IsFinite(peer + one + served);
    }

    /// <summary>The mean time of each phase of the trainer's step, and of what goes on beside it, from the timeline of a job of one rank.</summary>
    private bool Split(Action<string> say, int batch)
    {
        string timeline = Path.Combine(folder, "timeline.json");
        if (double.IsNaN(jobs.SpeedOfTraining(1, [.. Arguments("DeepFM", 9, batch), "--cluster.timeline", timeline], say)))
        {
            return false;
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(timeline));
        JsonElement events = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement : document.RootElement.GetProperty("traceEvents");
        var times = events.EnumerateArray()
            .Where(entry => entry.TryGetProperty("dur", out _))
            .GroupBy(entry => entry.GetProperty("name").GetString()!, entry => entry.GetProperty("dur").GetDouble() / 1000)
            .ToDictionary(phase => phase.Key, phase => phase.Skip(WarmUpOf(batch)).DefaultIfEmpty().Average());
        say($"DeepFM, dim 9, batch {batch}, 1 rank, ms a step: "
            + string.Join(", ", _phases.Where(times.ContainsKey).Select(phase => string.Create(CultureInfo.InvariantCulture, $"{phase} {times[phase]:F2}"))));
        return true;
    }

    private IEnumerable<string> Arguments(string model, int dimension, int batch)
    {
        int steps = WarmUpOf(batch) + MeasuredOf(batch);
        int passes = ((batch * steps) + Rows - 1) / Rows;
        return
        [
            "--data.train", JsonSerializer.Serialize(Enumerable.Repeat(_rows, passes)),
            "--data.vocabulary", _vocabulary,
            "--data.dense_scale", "log",
            "--model.name", model,
            "--model.dnn_hidden_units", "400,400,400",
            "--model.cin_layer_size", "128,128",
            "--model.l2_linear", "0",
            "--model.l2_embedding", "0",
            "--embedding.dimension", Text(dimension),
            "--optimizer.name", "Adagrad",
            "--train.batch_size", Text(batch),
            "--train.steps", Text(steps),
            "--train.device", "cuda",
            "--output.progress", "none",
            "--output.steady_after", Text(WarmUpOf(batch)),
        ];
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
