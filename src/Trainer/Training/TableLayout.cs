using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// Which tables the model's sparse columns live in. An array job has tables of its own for every column, a hash job one for all of them;
/// the linear weight and the embedding of a column are two tables that share their keys.
/// </summary>
internal sealed class TableLayout
{
    private TableLayout(IReadOnlyList<TableOptions> tables, int[][] sections, int columns, TableKind kind, int? linearRole, int? embeddingRole)
    {
        LinearRole = linearRole;
        EmbeddingRole = embeddingRole;
        Tables = tables;
        Sections = sections;
        Columns = columns;
        Kind = kind;
    }

    /// <summary>Every table, in the order of creation.</summary>
    public IReadOnlyList<TableOptions> Tables { get; }

    /// <summary>For every list of keys the tables that share it: the linear one, then the embedding, those of them that the model has.</summary>
    public int[][] Sections { get; }

    /// <summary>Which table of a section has the linear weights; null where the model has none.</summary>
    public int? LinearRole { get; }

    /// <summary>Which table of a section has the embeddings; null where the model has none.</summary>
    public int? EmbeddingRole { get; }

    /// <summary>Sparse columns of the data.</summary>
    public int Columns { get; }

    /// <summary>The kind of all tables.</summary>
    public TableKind Kind { get; }

    /// <summary>Columns that one list of keys covers: one for array tables, all of them for the hash table.</summary>
    public int ColumnsPerSection => Columns / Sections.Length;

    public static TableLayout Create(JobOptions job)
    {
        int? linearRole = CtrModel.HasLinear(job.Model) ? 0 : null;
        int? embeddingRole = CtrModel.HasEmbeddings(job.Model) ? linearRole + 1 ?? 0 : null;
        TableKind kind = job.Embedding.Kind;
        string[] names = kind == TableKind.Array ? [.. job.Data.Sparse.Select(column => "/" + column)] : [""];
        var tables = new List<TableOptions>();
        int[][] sections = new int[names.Length][];
        for (int i = 0; i < names.Length; i++)
        {
            long vocabulary = kind == TableKind.Array ? job.Data.Vocabulary.Of(i) : 0;
            int first = tables.Count;
            if (linearRole is not null)
            {
                tables.Add(Table(job, "linear", names[i], vocabulary, 1, new ConstantOptions(), CtrModel.LinearL2(job.Model)));
            }

            if (embeddingRole is not null)
            {
                tables.Add(Table(
                    job, "embedding", names[i], vocabulary, job.Embedding.Dimension, job.Embedding.Initializer, CtrModel.EmbeddingL2(job.Model)));
            }

            sections[i] = [.. Enumerable.Range(first, tables.Count - first)];
        }

        return new TableLayout(tables, sections, job.Data.Sparse.Count, kind, linearRole, embeddingRole);
    }

    private static TableOptions Table(
        JobOptions job, string role, string column, long vocabulary, int dimension, InitializerOptions initializer, double l2) => new()
        {
            Name = role + column,
            Kind = job.Embedding.Kind,
            Vocabulary = vocabulary,
            Dimension = dimension,
            ElementType = job.Model.Dtype == ElementType.Float64 ? ElementType.Float64 : ElementType.Float32,
            Initializer = initializer,
            Optimizer = job.Embedding.Optimizer ?? job.Optimizer,
            L2 = l2,
            Seed = job.Model.Seed,
            KeySpace = "keys" + column,
            Growth = job.Embedding.Growth.IsOn ? job.Embedding.Growth : null,
            Schedule = job.Schedule.IsOn ? job.Schedule : null,
            ClipValue = job.Train.ClipValue,
            ClipNorm = job.Train.ClipNorm,
        };
}
