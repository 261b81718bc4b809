using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Training;

/// <summary>One trainer's view of the data: its part of the training rows and of the test rows, scaled alike on all trainers.</summary>
internal sealed class TrainingData
{
    private readonly JobOptions _options;
    private readonly int _trainer;
    private readonly int _trainers;
    private readonly DenseRange? _range;
    private DenseScale _scale = DenseScale.None;

    /// <summary>Finds the files and reads what the scale needs: for min-max this trainer's part of the training rows.</summary>
    /// <exception cref="OpenEmbeddingException">A file is missing, without rows, or malformed where rows must not be skipped.</exception>
    public TrainingData(JobOptions options, int trainer, int trainers)
    {
        _options = options;
        _trainer = trainer;
        _trainers = trainers;
        using BatchReader train = OpenTrain();
        using BatchReader? test = HasTest ? OpenTest() : null;
        _range = options.Data.DenseScale == DenseScaling.MinMax ? DenseRange.Read(options.Data, trainer, trainers) : null;
    }

    /// <summary>Whether there are test rows.</summary>
    public bool HasTest => _options.Data.Test is not null;

    /// <summary>How dense values are scaled; only behind <see cref="ShareScale"/>.</summary>
    public DenseScale Scale => _scale;

    /// <summary>Gives all trainers the same scale; every trainer calls it once.</summary>
    public void ShareScale(ProcessSet trainers)
    {
        if (_range is not null)
        {
            trainers.AllReduce(_range.Minimums.AsSpan(), ReduceOperation.Min);
            trainers.AllReduce(_range.Maximums.AsSpan(), ReduceOperation.Max);
        }

        _scale = DenseScale.Create(_options.Data, _range);
    }

    /// <summary>Opens this trainer's part of the training rows, behind those that are passed; see <see cref="BatchReader"/>.</summary>
    public BatchReader OpenTrain(long passed = 0) =>
        new(_options.Data, _options.Data.Train, _trainer, _trainers, _options.Train.BatchSize, _scale, passed);

    /// <summary>Opens this trainer's part of the test rows.</summary>
    public BatchReader OpenTest() => new(_options.Data, _options.Data.Test!, _trainer, _trainers, _options.Train.BatchSize, _scale);
}
