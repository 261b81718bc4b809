using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Serving.Tests;

namespace OpenEmbedding.Benchmarks.Serving;

/// <summary>ONNX Runtime called with one row after the other, whose tensors are made beforehand.</summary>
internal static class BareLoop
{
    public static Load Run(string modelFolder, string[][] rows, int threads, int seconds)
    {
        string version = Directory.GetDirectories(modelFolder).MaxBy(folder => long.Parse(Path.GetFileName(folder)))!;
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        using var session = new InferenceSession(Path.Combine(version, "model.onnx"), options);
        string[] names = [.. RequestRows.Columns().Select(column => column.Name)];
        string[] outputs = [.. session.OutputNames];
        OrtValue[][] tensors = [.. rows.Select(Tensors)];

        var times = new List<double>[threads];
        long started = Stopwatch.GetTimestamp();
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(worker => new Thread(() => times[worker] = Predict(worker)))];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());
        double span = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return Load.Of([.. times.SelectMany(time => time)], span);

        List<double> Predict(int worker)
        {
            var taken = new List<double>();
            using var runOptions = new RunOptions();
            for (int row = worker; Stopwatch.GetElapsedTime(started).TotalSeconds < seconds; row++)
            {
                long before = Stopwatch.GetTimestamp();
                using IDisposableReadOnlyCollection<OrtValue> values = session.Run(runOptions, names, tensors[row % tensors.Length], outputs);
                taken.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            }

            return taken;
        }
    }

    private static OrtValue[] Tensors(string[] fields) =>
    [
        .. RequestRows.Columns().Select(column =>
        {
            long number = RequestRows.Number(column, fields);
            return column.Name[0] == 'I'
                ? OrtValue.CreateTensorValueFromMemory(new float[] { number }, [1, 1])
                : OrtValue.CreateTensorValueFromMemory(new[] { number }, [1, 1]);
        }),
    ];
}
