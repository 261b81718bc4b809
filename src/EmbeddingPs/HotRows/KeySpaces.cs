using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The key spaces of a job's tables, and which of them stay on the trainers whole.</summary>
internal sealed class KeySpaces
{
    private readonly int[] _spaceOfTable;
    private readonly bool[] _isWhole;

    /// <summary>Finds the spaces.</summary>
    /// <param name="tables">All tables.</param>
    /// <param name="sparseAsDenseSize">Array tables of at most so many keys stay whole.</param>
    /// <exception cref="OpenEmbeddingException">Tables of one space have different keys.</exception>
    public KeySpaces(IReadOnlyList<TableOptions> tables, long sparseAsDenseSize)
    {
        var first = new List<TableOptions>();
        _spaceOfTable = new int[tables.Count];
        for (int i = 0; i < tables.Count; i++)
        {
            var table = tables[i];
            int space = table.KeySpace is null ? -1 : first.FindIndex(other => other.KeySpace == table.KeySpace);
            if (space < 0)
            {
                space = first.Count;
                first.Add(table);
            }

            if (table.Kind != first[space].Kind || table.Vocabulary != first[space].Vocabulary)
            {
                throw new OpenEmbeddingException(
                    $"Table {table.Name}: key space {table.KeySpace} is that of table {first[space].Name}, which is of kind {first[space].Kind} with vocabulary "
                    + $"{first[space].Vocabulary}; this one is of kind {table.Kind} with {table.Vocabulary}.",
                    JobExitCode.Configuration);
            }

            _spaceOfTable[i] = space;
        }

        _isWhole = [.. first.Select(table => table.Kind == TableKind.Array && table.Vocabulary <= sparseAsDenseSize)];
    }

    /// <summary>The number of spaces.</summary>
    public int Count => _isWhole.Length;

    /// <summary>Whether all rows of a space stay on the trainers.</summary>
    public bool IsWhole(int space) => _isWhole[space];

    /// <summary>The space of a table.</summary>
    public int Of(int table) => _spaceOfTable[table];
}
