using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.TestProgram;

/// <summary>What the program does with its model, with checks that throw.</summary>
internal sealed class Calls(Cluster cluster, Logistic model, DistributedOptimizer optimizer)
{
    private const int Rows = 40;

    /// <summary>Goes on from a folder if it has a checkpoint, trains some steps and saves; the state given back is the step's own.</summary>
    public void TrainOnAndSave(string folder, int steps)
    {
        if (cluster.HasCheckpoint(folder))
        {
            LoadedCheckpoint loaded = cluster.Load(folder);
            Check(loaded.Step == cluster.Step && (long)loaded.State!["steps"]! == loaded.Step, $"state {loaded.State} at step {loaded.Step}");
        }

        for (int step = 0; step < steps; step++)
        {
            TrainStep();
        }

        cluster.Save(folder, new JsonObject { ["steps"] = cluster.Step });
    }

    /// <summary>Trains a second model beside this one, which takes every other step, and saves both.</summary>
    public void TrainTwo(string folder, string otherFolder)
    {
        using Cluster second = cluster.ForAnotherModel();
        Logistic other = second.DistributedModel(new Logistic(vocabulary: 10_000, denseColumns: 13), new() { Kind = TableKind.Hash });
        var calls = new Calls(second, other, second.DistributedOptimizer(optim.SGD(other.parameters(), 0.1)));
        for (int step = 0; step < 40; step++)
        {
            TrainStep();
            if (step % 2 == 1)
            {
                calls.TrainStep();
            }
        }

        cluster.SaveWeights(folder);
        second.SaveWeights(otherFolder);
    }

    /// <summary>Keeps the two best of five, of which the third is worse and the fourth no number.</summary>
    public void SaveTheBest(string folder)
    {
        using (var checkpoint = new ModelCheckpoint(cluster, folder, new() { EverySteps = 1, EveryEpochs = 0, Keep = 2, WeightsOnly = true, Best = BestMetric.Lowest }))
        {
            foreach (double metric in (double[])[3, 2, 2.5, double.NaN, 1])
            {
                TrainStep();
                checkpoint.StepEnd(metric);
            }

            checkpoint.EpochEnd(0);
            checkpoint.Finish();
        }

        // Another one knows what is there.
        using var other = new ModelCheckpoint(cluster, folder, new() { Best = BestMetric.Lowest });
        other.EpochEnd(1.5);
        other.Finish();
    }

    /// <summary>Calls that must fail on every trainer alike, and leave training able to go on.</summary>
    public void AreRefused(string folder)
    {
        string file = Path.Combine(folder, "file");
        Fails("cannot be made", () => cluster.Save(Path.Combine(file, "below")));
        Fails("has no checkpoint", () => cluster.Load(folder));
        TrainStep();
        cluster.SaveWeights(Path.Combine(folder, "weights"));
        Fails("once, before the first forward pass", () => cluster.Load(Path.Combine(folder, "weights")));
        Fails("would stay newer than step 1", () => cluster.Save(Path.Combine(folder, "newer")));

        // What cannot be written is an error for who waits and else a line, and the next one makes up for it.
        string checkpoints = Path.Combine(folder, "checkpoints");
        using var checkpoint = new ModelCheckpoint(cluster, checkpoints, new() { EverySteps = 1 });
        string files = Path.Combine(checkpoints, "files");
        if (cluster.Rank == 0)
        {
            Directory.Delete(files);
            File.WriteAllText(files, "");
        }

        TrainStep();
        checkpoint.StepEnd();
        TrainStep();
        checkpoint.StepEnd();
        Fails("checkpoint of step 3 failed", checkpoint.Finish);
        if (cluster.Rank == 0)
        {
            File.Delete(files);
            Directory.CreateDirectory(files);
        }

        TrainStep();
        checkpoint.StepEnd();
        checkpoint.Finish();
    }

    private static void Check(bool isTrue, string what)
    {
        if (!isTrue)
        {
            throw new InvalidOperationException(what);
        }
    }

    private static void Fails(string message, Action call)
    {
        try
        {
            call();
        }
        catch (OpenEmbeddingException e)
        {
            Check(e.Message.Contains(message, StringComparison.Ordinal), $"\"{e.Message}\" does not tell \"{message}\"");
            return;
        }

        throw new InvalidOperationException($"nothing failed with \"{message}\"");
    }

    private void TrainStep()
    {
        using var scope = NewDisposeScope();
        var random = new Random((int)((cluster.Step * 100) + cluster.Rank));
        long[] ids = [.. Enumerable.Range(0, Rows * 3).Select(_ => random.NextInt64(3_000))];
        float[] labels = [.. Enumerable.Range(0, Rows).Select(row => (float)(ids[row * 3] % 2))];
        Tensor loss = nn.functional.binary_cross_entropy_with_logits(
            model.forward(tensor(ids).reshape(Rows, 3), ones(Rows, 13) * random.NextSingle()), tensor(labels));
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }
}
