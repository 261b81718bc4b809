using System.Diagnostics;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Export.Onnx;
using OpenEmbedding.Trainer.Export.SavedModel;

namespace OpenEmbedding.Trainer.Training;

/// <content>The trained model for other programs.</content>
internal sealed partial class TrainingJob
{
    /// <summary>Writes the model from columns to probability, where the configuration asks for it.</summary>
    /// <param name="folder">The folder, null but on the first trainer, which alone writes.</param>
    /// <param name="training">What was trained.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">It cannot be written.</exception>
    public void WriteExport(ExportFolder? folder, TrainingResult training)
    {
        if (folder is null)
        {
            return;
        }

        var clock = Stopwatch.StartNew();
        var tables = new ExportedTables(_layout, _store, StoreStep);
        ComputationGraph graph = ModelGraph.Create(_options.Data, _model, _data.Scale, tables);
        new OnnxFile(graph).Write(folder);
        new SavedModelFiles(graph).Write(folder);
        var description = ModelDescription.Create(_options, graph, training, _layout, tables.RowCount, folder.Files);
        folder.Write(ModelDescription.FileName, description.Write);
        Finish(folder, clock);
    }

    /// <summary>Writes the dense part for servers that take rows from shards, where the configuration asks for it.</summary>
    /// <param name="folder">The folder, null but on the first trainer, which alone writes.</param>
    /// <param name="tables">The folder with the saved model, of which shards load the tables.</param>
    /// <param name="training">What was trained.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">It cannot be written.</exception>
    public void WriteDenseExport(ExportFolder? folder, CheckpointDirectory? tables, TrainingResult training)
    {
        if (folder is null)
        {
            return;
        }

        var clock = Stopwatch.StartNew();
        string manifest = tables?.NewestManifest([]) ?? throw new InvalidOperationException("output.export_dense goes with output.model");
        (ComputationGraph graph, IReadOnlyList<string> rowInputs) = ModelGraph.CreateDense(_options.Data, _model, _data.Scale, _layout);
        ComputationGraph keys = ModelGraph.CreateKeys(_options.Data);
        new OnnxFile(graph).Write(folder);
        new OnnxFile(keys).Write(folder, ServedTables.KeysFileName);
        var served = ServedTables.Create(manifest, folder.Target, _layout.Columns, _layout.Sections, rowInputs, _layout.Tables);
        var description = ModelDescription.CreateDense(_options, graph, keys, training, served, folder.Files);
        folder.Write(ModelDescription.FileName, description.Write);
        Finish(folder, clock);
    }

    private void Finish(ExportFolder folder, Stopwatch clock)
    {
        folder.Commit();
        double megabytes = folder.Files.Sum(file => file.Bytes) / 1e6;
        _progress.Say(FormattableString.Invariant($"exported {folder.Target}: {megabytes:F1} MB in {clock.Elapsed.TotalSeconds:F1} s"));
    }
}
