using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer;

/// <content>What trainers do together and what may fail on some of them.</content>
public sealed partial class Cluster
{
    /// <summary>Runs <paramref name="part"/> on every trainer; when it fails anywhere, all throw the error of the first trainer that failed.</summary>
    /// <exception cref="OpenEmbeddingException">A trainer failed; on the others a <see cref="PeerFailureException"/>, so that one alone prints the line.</exception>
    internal T Together<T>(Func<T> part)
    {
        StartupCheck.Outcome[] outcomes = Trainers.AllGatherObject(StartupCheck.Try(part, out T result));
        int failed = Array.FindIndex(outcomes, outcome => outcome.Error is not null);
        if (failed < 0)
        {
            return result;
        }

        StartupCheck.Outcome first = outcomes[failed];
        throw failed == Rank
            ? new OpenEmbeddingException(first.Error!, first.ExitCode)
            : new PeerFailureException(first.Error!, Trainers.Ranks[failed], first.ExitCode);
    }
}
