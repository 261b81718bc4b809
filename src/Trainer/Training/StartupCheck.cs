using System.Reflection;
using MessagePack;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// What ranks do together before training: each does its part, then all learn whether everybody could. The lowest rank that could not
/// prints the line, and all leave in good order, instead of one that fails and seven that wait.
/// </summary>
internal static class StartupCheck
{
    /// <summary>The program's version as ranks compare it.</summary>
    public static string ProgramVersion { get; } =
        typeof(StartupCheck).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Runs <paramref name="part"/> on every rank; when it fails anywhere, all ranks get the error of the lowest rank that failed.</summary>
    /// <exception cref="StartupException">A rank failed; its message is the error of that rank.</exception>
    public static T Together<T>(Communication communication, Func<T> part)
    {
        Outcome[] outcomes = communication.World.AllGatherObject(Try(part, out T result));
        int[] failed = [.. Enumerable.Range(0, outcomes.Length).Where(rank => outcomes[rank].Error is not null)];
        if (failed.Length == 0)
        {
            return result;
        }

        Outcome first = outcomes[failed[0]];
        bool everywhere = failed.Length == outcomes.Length && outcomes.All(other => other.Error == first.Error);
        string who = everywhere || communication.Size == 1 ? "" : $"rank {failed[0]}: ";
        throw new StartupException(who + first.Error, first.ExitCode, failed[0]);
    }

    /// <summary>Runs a part that may fail.</summary>
    /// <param name="part">The part.</param>
    /// <param name="result">What it gave; without meaning if it failed.</param>
    public static Outcome Try<T>(Func<T> part, out T result)
    {
        result = default!;
        try
        {
            result = part();
            return new Outcome();
        }
        catch (Exception failure) when (failure is OpenEmbeddingException or IOException or UnauthorizedAccessException)
        {
            return new Outcome { Error = RankFailure.Describe(failure), ExitCode = RankFailure.ExitCodeOf(failure) };
        }
    }

    /// <summary>Checks that all ranks run the same program with the same configuration.</summary>
    /// <exception cref="StartupException">They do not; the message names the ranks that differ from rank 0.</exception>
    public static void SameEverywhere(Communication communication, string configurationHash)
    {
        var mine = new Identity
        {
            Protocol = EmbeddingPs.Protocol.Protocol.Version,
            Program = ProgramVersion,
            Configuration = configurationHash,
        };
        Identity[] all = communication.World.AllGatherObject(mine);
        Require(all, identity => identity.Protocol.ToString(), "protocol versions");
        Require(all, identity => identity.Program, "program versions");
        Require(all, identity => identity.Configuration, "configurations (hashes)");
    }

    private static void Require(Identity[] all, Func<Identity, string> property, string what)
    {
        int[] different = [.. Enumerable.Range(1, all.Length - 1).Where(rank => property(all[rank]) != property(all[0]))];
        if (different.Length > 0)
        {
            int odd = different[0];
            string others = different.Length > 1 ? $" (and {different.Length - 1} more ranks differ)" : "";
            throw new StartupException(
                $"all ranks must have the same {what}: rank 0 has {property(all[0])}, rank {odd} on its host has {property(all[odd])}{others}",
                JobExitCode.Cluster,
                firstRank: 0);
        }
    }

    /// <summary>How a rank's part went.</summary>
    [MessagePackObject]
    public sealed record Outcome
    {
        /// <summary>The error, null when there is none.</summary>
        [Key(0)]
        public string? Error { get; init; }

        /// <summary>The exit code that the error asks for.</summary>
        [Key(1)]
        public int ExitCode { get; init; }
    }

    /// <summary>What must be the same on all ranks.</summary>
    [MessagePackObject]
    public sealed record Identity
    {
        /// <summary>The version of the messages between trainers and servers.</summary>
        [Key(0)]
        public int Protocol { get; init; }

        /// <summary>The version of the program.</summary>
        [Key(1)]
        public string Program { get; init; } = "";

        /// <summary>The hash of the configuration.</summary>
        [Key(2)]
        public string Configuration { get; init; } = "";
    }
}

/// <summary>An error that all ranks know of, so that each can leave by itself and only one prints.</summary>
internal sealed class StartupException(string message, int exitCode, int firstRank) : OpenEmbeddingException(message, exitCode)
{
    /// <summary>The rank that prints.</summary>
    public int FirstRank { get; } = firstRank;
}
