using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace OpenEmbedding.Collectives.Mpi;

/// <summary>A call of MPI failed: before ranks are known the job cannot be formed, afterwards another rank or the network is lost.</summary>
public sealed class MpiException : OpenEmbeddingException
{
    internal MpiException(string operation, int rank, long count, int code, string text)
        : base(
            $"{(rank < 0 ? "" : $"rank {rank}: ")}{operation} of {count} elements failed: {text}",
            rank < 0 ? JobExitCode.Cluster : JobExitCode.Failure)
    {
        Operation = operation;
        Rank = rank;
        Count = count;
        Code = code;
        Text = text;
    }

    /// <summary>The C name of the function that failed.</summary>
    public string Operation { get; }

    /// <summary>The rank in the communicator that called it; -1 before ranks are known.</summary>
    public int Rank { get; }

    /// <summary>The number of elements asked for.</summary>
    public long Count { get; }

    /// <summary>MPI's error code.</summary>
    public int Code { get; }

    /// <summary>MPI's own text for the code.</summary>
    public string Text { get; }

    internal static void Check(int code, string operation, int rank, long count)
    {
        if (code != 0)
        {
            Throw(code, operation, rank, count);
        }
    }

    [DoesNotReturn]
    private static void Throw(int code, string operation, int rank, long count) =>
        throw new MpiException(operation, rank, count, code, Explain(code));

    private static unsafe string Explain(int code)
    {
        var text = stackalloc byte[Handle.MaxErrorText]; // MPI writes a C string of at most this length
        int length;
        return NativeMethods.MPI_Error_string(code, text, &length) == 0
            ? string.Join("; ", Encoding.UTF8.GetString(text, length).Split('\n').Select(line => line.Trim(' ', ':')))
            : $"MPI error {code}";
    }
}
