using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Metrics;
using OpenEmbedding.Trainer.Observation;

namespace OpenEmbedding.Trainer.Training;

/// <content>The test rows.</content>
internal sealed partial class TrainingJob
{
    private bool TestIsDue() => _options.Train.TestEverySteps is { } steps && _stepsDone % steps == 0;

    /// <summary>Scores the test rows, says how well, and looks whether training is to end.</summary>
    private void Test(int epoch, string what)
    {
        _test = Evaluate(isLast: _epoch > _options.Train.Epochs);
        _progress.Say(Line(what, _test));
        ObserveScore(epoch, ScoredRows.Test, _test);
        _early.Add(_test);
    }

    /// <summary>Scores the test rows; the last time writes their probabilities, where the configuration asks for them.</summary>
    private Quality Evaluate(bool isLast)
    {
        if (_options.Output.Predictions is not { } path || !isLast)
        {
            return Evaluate(predictions: null);
        }

        if (_cluster.Rank > 0)
        {
            return Evaluate(new PredictionLines(_cluster.Trainers, Stream.Null));
        }

        Quality? quality = null;
        WholeFile.Write(path, stream => quality = Evaluate(new PredictionLines(_cluster.Trainers, stream)));
        return quality!;
    }

    private Quality Evaluate(PredictionLines? predictions)
    {
        var metrics = new BinaryMetrics();
        var groups = new TestGroups(_options);
        using var batches = new BatchPipeline(_data.OpenTest(Readers), _layout, _store.Shards, _settings.Prefetch, _memory, Planners, _cluster.TimelineLane);
        StepPlan plan = Pull(batches);
        while (plan != batches.Empty)
        {
            StepPlan next = Pull(batches);
            ReadOnlySpan<float> logits = plan.Batch.Rows > 0 ? _step.Evaluate(plan, metrics) : [];
            groups.Add(plan.Batch, logits);
            predictions?.Write(logits);
            _badRows += plan.Batch.BadRows;
            batches.Return(plan);
            plan = next;
        }

        predictions?.Finish();
        return Reduce(metrics) with { Groups = groups.Reduce(_cluster.Trainers) };
    }

    private StepPlan Pull(BatchPipeline batches)
    {
        StepPlan plan = batches.Next();
        plan.BeginPull(_store, StoreStep, PullMode.Evaluate);
        return plan;
    }
}
