using System.Reflection;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Turns what ended a rank into one line and an exit code.</summary>
internal static class RankFailure
{
    /// <summary>What a line begins with: oe-train, or the program of one's own.</summary>
    private static readonly string _program =
        Assembly.GetEntryAssembly() is { } entry && entry != typeof(RankFailure).Assembly ? entry.GetName().Name! : "oe-train";

    private static readonly TimeSpan _peerSpeaks = TimeSpan.FromSeconds(3);

    /// <summary>The exit code of the job that <paramref name="failure"/> ends.</summary>
    public static int ExitCodeOf(Exception failure) =>
        failure is OpenEmbeddingException known ? known.ExitCode : JobExitCode.Failure;

    /// <summary>Describes the failure: one line for errors of this system, the whole trace for what nobody foresaw.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        OpenEmbeddingException known => known.Message,
        IOException or UnauthorizedAccessException => failure.Message,
        ExternalException torch when torch.Message.Contains("CUDA out of memory", StringComparison.Ordinal) =>
            $"the GPU is out of memory; lower train.batch_size or train.micro_batch_size ({torch.Message.Split('\n')[0]})",
        _ => failure.ToString(),
    };

    /// <summary>Prints a line that is no reason to end the job.</summary>
    public static void Say(string line) => Console.Error.WriteLine($"{_program}: {line}");

    /// <summary>
    /// Prints the line of this rank and ends the whole job. As an exception filter it runs before anything is disposed: a rank that failed
    /// must neither say goodbye to the servers nor wait for the others.
    /// </summary>
    /// <returns>Nothing: it does not return.</returns>
    public static bool End(Communication communication, Exception failure)
    {
        if (failure is PeerFailureException)
        {
            // The rank that failed prints its own line and ends this one before the time is over.
            Thread.Sleep(_peerSpeaks);
        }

        Console.Error.WriteLine($"{_program}: rank {communication.Rank}: {Describe(failure)}");
        communication.Abort(ExitCodeOf(failure));
        return true;
    }
}
