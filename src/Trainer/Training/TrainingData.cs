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
        OpenTrain(readers: 1)[0].Dispose();
        if (HasTest)
        {
            OpenTest(readers: 1)[0].Dispose();
        }

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
    /// <param name="readers">The most readers, 1 or more; formats that several cannot share have one.</param>
    /// <param name="epoch">Which pass over the rows this is, from 1.</param>
    /// <param name="passed">Rows that are passed.</param>
    /// <returns>Readers of whose batches the first of each come first, then the second ones, and so on.</returns>
    public IReadOnlyList<BatchReader> OpenTrain(int readers, int epoch = 1, long passed = 0) => Open(
        _options.Data.Train,
        readers,
        passed,
        _options.Data.ShuffleBuffer > 1 ? new RowShuffle(_options.Data.ShuffleBuffer, _options.Data.ShuffleSeed, epoch) : null);

    /// <summary>Opens this trainer's part of the test rows; as <see cref="OpenTrain"/>.</summary>
    public IReadOnlyList<BatchReader> OpenTest(int readers) => Open(_options.Data.Test!, readers, passed: 0, shuffle: null);

    /// <summary>Batches are dealt to several readers as to several trainers: each only looks for the line ends of the others' rows.</summary>
    private BatchReader[] Open(DataFiles selection, int most, long passed, RowShuffle? shuffle)
    {
        int readers = CanShare(selection) ? most : 1;
        return
        [
            .. Enumerable.Range(0, readers).Select(reader => new BatchReader(
                _options.Data, selection, (reader * _trainers) + _trainer, readers * _trainers, _options.Train.BatchSize, _scale, passed, shuffle)),
        ];
    }

    /// <summary>
    /// Whether rows that others decode are found without decoding, which those of a row group of Parquet are not; a pipe, which has no length, can be opened only once.
    /// </summary>
    private bool CanShare(DataFiles selection) =>
        _options.Data.Shard == ShardRule.Rows
        && InputFiles.Expand(selection.Files).All(file =>
            FormatOf(file) != DataFormat.Parquet && !InputFiles.IsCompressed(file) && new FileInfo(file).Length > 0);

    private DataFormat FormatOf(string file) => _options.Data.Format == DataFormat.Auto ? InputFiles.FormatOf(file) : _options.Data.Format;
}
