using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// Which tables the model's sparse columns live in. An array job has tables of its own for every column that does not use those of another, a hash job one for all
/// of them; the linear weight and the embedding of a column are two tables that share their keys.
/// </summary>
internal sealed class TableLayout
{
    private readonly int[][] _slots;
    private readonly int _embeddingDimension;

    private TableLayout(
        IReadOnlyList<TableOptions> tables, int[][] sections, int[][] slotsOfSections, SparseSlots slots, TableKind kind, int? linearRole, int? embeddingRole, int embeddingDimension)
    {
        _embeddingDimension = embeddingDimension;
        LinearRole = linearRole;
        EmbeddingRole = embeddingRole;
        Tables = tables;
        Sections = sections;
        _slots = slotsOfSections;
        Slots = slots;
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
    public int Columns => Slots.Columns;

    /// <summary>Where the keys of the columns lie in a row.</summary>
    public SparseSlots Slots { get; }

    /// <summary>The kind of all tables.</summary>
    public TableKind Kind { get; }

    /// <summary>The weights that a model takes of each column for a role; a column's own table may have fewer of them, behind which the model is given zeros.</summary>
    public int DimensionOf(int role) => role == EmbeddingRole ? _embeddingDimension : 1;

    /// <summary>The weights of each column's embeddings, [F].</summary>
    public IReadOnlyList<int> DimensionsOfColumns =>
        EmbeddingRole is { } role ? [.. Enumerable.Range(0, Columns).Select(column => Tables[Sections[SectionOf(Slots.FirstOf(column))][role]].Dimension)] : [];

    /// <summary>The slots whose keys are those of a section, from the lowest on: all of them for the hash table.</summary>
    public ReadOnlySpan<int> SlotsOf(int section) => _slots[section];

    /// <summary>The section that has the keys of a slot.</summary>
    public int SectionOf(int slot) => Array.FindIndex(_slots, slots => slots.Contains(slot));

    public static TableLayout Create(JobOptions job)
    {
        int? linearRole = CtrModel.HasLinear(job.Model) ? 0 : null;
        int? embeddingRole = CtrModel.HasEmbeddings(job.Model) ? linearRole + 1 ?? 0 : null;
        TableKind kind = job.Embedding.Kind;
        var slots = new SparseSlots(job.Data.Sparse);
        int[] all = [.. Enumerable.Range(0, slots.Count)];
        int[] owners = kind == TableKind.Array ? [.. Enumerable.Range(0, slots.Columns).Where(column => slots.OwnerOf(column) == column)] : [0];
        int[][] slotsOfSections = kind == TableKind.Array ? [.. owners.Select(owner => all.Where(slot => slots.OwnerOf(slots.ColumnOf(slot)) == owner).ToArray())] : [all];
        var tables = new List<TableOptions>();
        int[][] sections = new int[owners.Length][];
        for (int i = 0; i < owners.Length; i++)
        {
            string name = kind == TableKind.Array ? "/" + job.Data.Sparse[owners[i]].Name : "";
            long vocabulary = kind == TableKind.Array ? job.Data.Vocabulary.Of(owners[i]) : 0;
            int first = tables.Count;
            if (linearRole is not null)
            {
                tables.Add(Table(job, "linear", name, vocabulary, 1, new ConstantOptions(), CtrModel.LinearL2(job.Model)));
            }

            if (embeddingRole is not null)
            {
                tables.Add(Table(
                    job, "embedding", name, vocabulary, job.Data.Sparse[owners[i]].Dimension ?? job.Embedding.Dimension, job.Embedding.Initializer, CtrModel.EmbeddingL2(job.Model)));
            }

            sections[i] = [.. Enumerable.Range(first, tables.Count - first)];
        }

        return new TableLayout(tables, sections, slotsOfSections, slots, kind, linearRole, embeddingRole, job.Embedding.Dimension);
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
