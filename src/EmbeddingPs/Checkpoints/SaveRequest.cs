using MessagePack;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Asks a store to write its tables.</summary>
[MessagePackObject]
public sealed record SaveRequest
{
    /// <summary>The folder of the checkpoints, which the first trainer has open for writing; reachable from every server.</summary>
    [Key(0)]
    public required string Folder { get; init; }

    /// <summary>Steps trained so far; gives the files their names.</summary>
    [Key(1)]
    public required long Step { get; init; }

    /// <summary>Whether slots are written too; without them training cannot go on exactly.</summary>
    [Key(2)]
    public bool Slots { get; init; } = true;

    /// <summary>How many files of a server hold all its rows together: each has the rows that changed since the one before and this part of the others. 1: each has all.</summary>
    [Key(3)]
    public int Increments { get; init; } = 1;
}

/// <summary>Asks a store to take the rows of a checkpoint.</summary>
/// <param name="Checkpoint">The checkpoint, checked for the tables of the store.</param>
/// <param name="Slots">Whether slots are taken too; without them they start anew.</param>
/// <param name="Step">The steps that training goes on from, 0 if it starts anew; the age of rows counts on from there.</param>
public sealed record LoadRequest(CheckedCheckpoint Checkpoint, bool Slots = true, long Step = 0);
