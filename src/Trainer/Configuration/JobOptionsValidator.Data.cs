using System.Text.Json;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer.Configuration;

/// <content>The columns of the data, and what the rest of the job says of them.</content>
internal static partial class JobOptionsValidator
{
    private const int Criteo1TbColumns = 13;

    private static void CheckColumns(DataOptions data)
    {
        CheckDistinct("data.dense", data.Dense);
        string[] sparse = [.. data.Sparse.Select(column => column.Name)];
        CheckDistinct("data.sparse", sparse);
        foreach ((string key, IReadOnlyList<string> columns) in new[] { ("data.dense", data.Dense), ("data.sparse", sparse) })
        {
            if (columns.Contains(data.Label))
            {
                throw Fault(key, $"{key} holds \"{data.Label}\", which is the column of data.label", "data.label");
            }
        }
    }

    private static void CheckDefaults(DataOptions data)
    {
        if (data.DenseDefaults is not { } defaults)
        {
            return;
        }

        if (defaults.Count != data.Dense.Count)
        {
            throw Fault("data.dense_defaults", $"data.dense_defaults has {defaults.Count} numbers; allowed is one for each of the {data.Dense.Count} columns of data.dense", "data.dense");
        }

        if (defaults.Any(value => !float.IsFinite((float)value)))
        {
            throw Fault("data.dense_defaults", "data.dense_defaults holds a number that float32 cannot hold");
        }
    }

    private static void CheckSharedTables(DataOptions data)
    {
        for (int i = 0; i < data.Sparse.Count; i++)
        {
            if (data.Sparse[i].Table is not { } table)
            {
                continue;
            }

            string key = $"data.sparse[{i}].table";
            int owner = data.Sparse.Select(column => column.Name).ToList().IndexOf(table);
            if (owner < 0 || owner == i || data.Sparse[owner].Table is not null)
            {
                string[] owners = [.. data.Sparse.Where((column, place) => place != i && column.Table is null).Select(column => column.Name)];
                throw Fault(key, $"{key} = \"{table}\" is not another column of data.sparse with rows of its own; allowed: {string.Join(", ", owners)}", "data.sparse");
            }

            if (data.Vocabulary.IsPerColumn && data.Vocabulary.Sizes.Count == data.Sparse.Count && data.Vocabulary.Of(i) != data.Vocabulary.Of(owner))
            {
                throw Fault(
                    "data.vocabulary",
                    $"data.vocabulary has {data.Vocabulary.Of(i)} for \"{data.Sparse[i].Name}\" and {data.Vocabulary.Of(owner)} for \"{table}\", whose rows it uses; allowed is one number for both",
                    "data.sparse");
            }
        }
    }

    private static void CheckDimensions(JobOptions job)
    {
        for (int i = 0; i < job.Data.Sparse.Count; i++)
        {
            SparseColumn column = job.Data.Sparse[i];
            string key = $"data.sparse[{i}].dimension";
            if (column.Dimension is not { } dimension)
            {
                continue;
            }

            if (dimension > job.Embedding.Dimension)
            {
                throw Fault(key, $"{key} = {dimension} is more than embedding.dimension = {job.Embedding.Dimension}, the most allowed", "embedding.dimension");
            }

            if (column.Table is { } table)
            {
                throw Fault(key, $"{key} is that of \"{table}\", whose rows \"{column.Name}\" uses; leave it out", "data.sparse");
            }

            if (job.Embedding.Kind == TableKind.Hash)
            {
                throw Fault(key, $"{key} needs embedding.kind = \"array\"; a hash table holds the rows of all columns, of one dimension", "embedding.kind");
            }
        }
    }

    private static void CheckCsv(DataOptions data)
    {
        if (data.Delimiter is not (null or "tab" or { Length: 1 }) || data.Delimiter is "\"" or "\r" or "\n")
        {
            throw Fault(
                "data.delimiter", $"data.delimiter = {JsonSerializer.Serialize(data.Delimiter)} is not one character, other than a quotation mark or a line end, or \"tab\"");
        }

        if (data.Columns is not { } columns)
        {
            return;
        }

        CheckDistinct("data.columns", columns);
        (string Key, string Name)[] wanted =
            [("data.label", data.Label), .. data.Dense.Select(name => ("data.dense", name)), .. data.Sparse.Select(column => ("data.sparse", column.Name))];
        if (wanted.FirstOrDefault(column => !columns.Contains(column.Name)) is { Name: { } missing, Key: { } key })
        {
            throw Fault("data.columns", $"data.columns has no \"{missing}\", which {key} names", key);
        }
    }

    private static void CheckVocabulary(JobOptions job)
    {
        DataOptions data = job.Data;
        if (job.Embedding.Kind == TableKind.Array && data.Vocabulary.IsPerColumn && data.Vocabulary.Sizes.Count != data.Sparse.Count)
        {
            throw Fault(
                "data.vocabulary",
                $"data.vocabulary has {data.Vocabulary.Sizes.Count} numbers; allowed is one number, or one for each of the {data.Sparse.Count} columns of data.sparse",
                "data.sparse");
        }
    }

    private static void CheckShuffle(DataOptions data)
    {
        int categories = data.Sparse.Sum(column => column.MaxLength);
        int columns = Math.Max(data.Dense.Count, categories);
        int most = Array.MaxLength / columns;
        if (data.ShuffleBuffer > most)
        {
            throw Fault(
                "data.shuffle_buffer",
                $"data.shuffle_buffer = {data.ShuffleBuffer} is too large for {columns} columns of one kind; allowed is at most {most}",
                columns == categories ? "data.sparse" : "data.dense");
        }
    }

    private static void CheckScale(DataOptions data)
    {
        if (data.DenseScale == DenseScaling.Criteo1Tb && data.Dense.Count != Criteo1TbColumns)
        {
            throw Fault(
                "data.dense_scale",
                $"data.dense_scale = \"criteo1tb\" needs {Criteo1TbColumns} columns in data.dense, which has {data.Dense.Count}",
                "data.dense");
        }
    }

    private static void CheckDistinct(string key, IReadOnlyList<string> columns)
    {
        if (columns.GroupBy(column => column).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw Fault(key, $"{key} holds \"{twice.Key}\" more than once");
        }
    }
}
