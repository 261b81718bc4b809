using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>What trainers and servers must agree on before they talk; the format itself is in <c>docs/protocol.md</c>.</summary>
public static class Protocol
{
    /// <summary>The version of the format of messages; every rank of a job has the same.</summary>
    public const int Version = 4;

    /// <summary>The first four bytes of every message, "OEPS".</summary>
    internal const uint Magic = 0x5350454F;

    /// <summary>The first model of a job.</summary>
    public const int FirstModel = 1;

    /// <summary>The most models of a job: there are channels for so many.</summary>
    public const int MostModels = (IMessenger.Channels - 1) / 2;

    /// <summary>How many steps a pull may be ahead of its trainer's pushes, so that a wrong step is an error and not a wait for ever.</summary>
    internal const int MostStepsAhead = 4096;

    /// <summary>The channel of <see cref="IMessenger"/> on which the servers of a model listen.</summary>
    internal static int RequestChannel(int model) => (2 * model) - 1;

    /// <summary>The channel of <see cref="IMessenger"/> on which the trainers of a model listen.</summary>
    internal static int ReplyChannel(int model) => 2 * model;
}
