using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>Finds what is wrong with the sections of a pull and the tickets of a push before anything is sent.</summary>
internal static class StoreChecks
{
    /// <summary>Checks tables, plans and keys.</summary>
    /// <exception cref="ArgumentException">A plan is for other shards or another kind, or there is no such table.</exception>
    /// <exception cref="OpenEmbeddingException">A key is out of range.</exception>
    public static void Check(IReadOnlyList<PullSection> sections, TableShapes shapes, int shards, long step)
    {
        for (int i = 0; i < sections.Count; i++)
        {
            var (keys, tables) = sections[i];
            if (keys.Shards != shards)
            {
                throw new ArgumentException($"Section {i} is planned for {keys.Shards} shards; the store has {shards}.", nameof(sections));
            }

            if (tables.Length == 0)
            {
                throw new ArgumentException($"Section {i} has no table.", nameof(sections));
            }

            foreach (int table in tables)
            {
                if ((uint)table >= (uint)shapes.Count)
                {
                    throw new ArgumentException($"Section {i} asks for table {table}; there are {shapes.Count}.", nameof(sections));
                }

                Check(keys, shapes.Tables[table], step);
            }
        }
    }

    /// <summary>Checks that a push has each ticket once, and that tickets are of its step.</summary>
    /// <exception cref="ArgumentException">A ticket cannot be pushed.</exception>
    public static void Check(IReadOnlyList<GradientBlock> blocks, long step)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            var ticket = blocks[i].Ticket;
            if (ticket.Mode != PullMode.Train || ticket.Step != step)
            {
                throw new ArgumentException($"Ticket {i} is not of a pull to be trained in step {step}.", nameof(blocks));
            }

            for (int other = 0; other < i; other++)
            {
                if (blocks[other].Ticket == ticket)
                {
                    throw new ArgumentException($"Tickets {other} and {i} are the same.", nameof(blocks));
                }
            }
        }
    }

    private static void Check(KeyBatch keys, TableOptions table, long step)
    {
        if (keys.Kind != table.Kind)
        {
            throw new ArgumentException($"Table {table.Name} is of kind {table.Kind}; its keys are planned for kind {keys.Kind}.");
        }

        ulong limit = table.Kind == TableKind.Array ? (ulong)table.Vocabulary : 1UL << 63;
        if (keys.LargestKey >= limit)
        {
            // Not the largest but the first: that is the one that is found first in the data.
            long first = 0;
            foreach (long key in keys.Keys)
            {
                if ((ulong)key >= limit)
                {
                    first = key;
                    break;
                }
            }

            throw new OpenEmbeddingException(
                $"Table {table.Name}, step {step}: key {first} is out of range; allowed are 0 to {limit - 1}.", JobExitCode.Data);
        }
    }
}
