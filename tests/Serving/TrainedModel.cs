using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests;

/// <summary>The tests that share a trained model.</summary>
[CollectionDefinition(nameof(TrainedModel))]
public sealed class TrainedModelTests : ICollectionFixture<TrainedModel>;

/// <summary>A model that <c>oe-train</c> trained in one process and exported, with rows and the trainer's own probabilities of them.</summary>
public sealed class TrainedModel : IDisposable
{
    private const int Rows = 300;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;

    public TrainedModel()
    {
        string data = Path.Combine(_folder, "rows.txt");
        string predictions = Path.Combine(_folder, "predictions.txt");
        Train("generate", "--rows", $"{Rows}", "--out", data);
        Train(
            "--data.train", data, "--data.test", data, "--model", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "100",
            "--optimizer.learning_rate", "0.05", "--train.batch_size", "50", "--export", Export, "--output.predictions", predictions);
        Lines = [.. File.ReadLines(data).Select(line => line.Split('\t'))];
        Probabilities = [.. File.ReadLines(predictions).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
    }

    /// <summary>The fields of each row in Criteo's form.</summary>
    internal IReadOnlyList<string[]> Lines { get; }

    internal IReadOnlyList<double> Probabilities { get; }

    private string Export => Path.Combine(_folder, "export");

    /// <summary>Makes the model a version of a folder.</summary>
    internal void CopyTo(string version)
    {
        // As an export appears: whole, under its name at once.
        string half = $"{version}.tmp";
        foreach (string file in Directory.GetFiles(Export, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(half, Path.GetRelativePath(Export, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Directory.Move(half, version);
    }

    /// <summary>Rows of the data as a request's body, by rows or by columns.</summary>
    internal string Body(bool byRow, int first, int count) => RequestRows.Body(byRow, [.. Lines.Skip(first).Take(count)]);

    /// <summary>Rows of the data as a message of gRPC.</summary>
    internal PredictRequest Message(int first, int count, bool asContent) => RequestRows.Message([.. Lines.Skip(first).Take(count)], asContent);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static void Train(params string[] arguments)
    {
        string program = typeof(TrainedModel).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(value => value.Key == "Trainer").Value!;
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var lines = new StringBuilder();
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"oe-train has not ended within {_limit}: {Said()}");
        }

        // Without a limit it waits for the rest of the output, too.
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"oe-train ended with exit code {process.ExitCode}: {Said()}");

        string Said()
        {
            lock (lines)
            {
                return lines.ToString();
            }
        }

        void Add(string? line)
        {
            lock (lines)
            {
                lines.AppendLine(line);
            }
        }
    }
}
