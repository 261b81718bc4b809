namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>What a message is.</summary>
internal enum MessageKind : ushort
{
    /// <summary>Keys; answered by <see cref="Rows"/>.</summary>
    Pull = 1,

    /// <summary>The rows of a pull.</summary>
    Rows = 2,

    /// <summary>Gradients of earlier pulls; not answered.</summary>
    Push = 3,

    /// <summary>A trainer's tables and settings; answered by <see cref="Done"/> when all trainers' are there and equal.</summary>
    CreateTables = 16,

    /// <summary>Asks for what the tables hold; answered by <see cref="Statistics"/>.</summary>
    GetStatistics = 17,

    /// <summary>What each table of a server holds.</summary>
    Statistics = 18,

    /// <summary>Asks for some stored rows; answered by <see cref="StoredRows"/>.</summary>
    Scan = 19,

    /// <summary>Keys and weights.</summary>
    StoredRows = 20,

    /// <summary>The trainer needs the server no more; answered by <see cref="Done"/>.</summary>
    Goodbye = 21,

    /// <summary>What was asked is done.</summary>
    Done = 22,

    /// <summary>The server has failed and ends; its message and exit code.</summary>
    Failure = 23,

    /// <summary>Rows with slots that go to the server, and keys of rows that the trainer takes over; answered by <see cref="MovedRows"/>.</summary>
    MoveRows = 24,

    /// <summary>The rows with slots that a trainer takes over.</summary>
    MovedRows = 25,

    /// <summary>Asks for a segment of a checkpoint; answered by <see cref="Saved"/>.</summary>
    Save = 26,

    /// <summary>The segments of a server, or why there are none.</summary>
    Saved = 27,

    /// <summary>Takes the rows of a checkpoint in the place of those that are there; answered by <see cref="Loaded"/>.</summary>
    Load = 28,

    /// <summary>The rows of a checkpoint are taken, or a file of it is damaged.</summary>
    Loaded = 29,

    /// <summary>One more model of the job is to be served, on channels of its own; answered by <see cref="Done"/>.</summary>
    OpenModel = 30,
}
