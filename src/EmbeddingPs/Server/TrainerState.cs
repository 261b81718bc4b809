using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>What a server remembers of one trainer.</summary>
internal sealed class TrainerState(int rank)
{
    /// <summary>The trainer's rank in the job.</summary>
    public int Rank { get; } = rank;

    /// <summary>The job as the trainer knows it, as MessagePack; null until it came.</summary>
    public byte[]? Definition { get; set; }

    /// <summary>The request that brought <see cref="Definition"/>.</summary>
    public long DefinitionTicket { get; set; }

    /// <summary>Steps pushed.</summary>
    public long PushedSteps { get; set; }

    /// <summary>Pushes not yet applied, one for each step; null for a push without gradients.</summary>
    public Queue<MessageBuffer?> Pushes { get; } = new();

    /// <summary>Pulls to be trained whose step is not yet applied.</summary>
    public List<ResolvedPull> Pulls { get; } = [];

    /// <summary>Whether the trainer said goodbye.</summary>
    public bool HasLeft { get; set; }

    /// <summary>The open pull of a number, if there is one.</summary>
    public ResolvedPull? Find(long id)
    {
        foreach (var pull in Pulls)
        {
            if (pull.Id == id)
            {
                return pull;
            }
        }

        return null;
    }
}
