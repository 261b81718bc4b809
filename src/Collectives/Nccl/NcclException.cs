using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Nccl;

/// <summary>A call of NCCL failed: another rank, a GPU or the network between them is lost, or NCCL cannot be used.</summary>
public sealed class NcclException : OpenEmbeddingException
{
    internal NcclException(string operation, int code, string text)
        : base($"{operation} failed: {text}; NCCL_DEBUG=INFO makes NCCL say more", JobExitCode.Failure)
    {
        Operation = operation;
        Code = code;
    }

    /// <summary>The C name of the function that failed.</summary>
    public string Operation { get; }

    /// <summary>NCCL's error code.</summary>
    public int Code { get; }

    internal static void Check(int code, string operation)
    {
        if (code != 0)
        {
            Throw(code, operation);
        }
    }

    [DoesNotReturn]
    internal static void Throw(int code, string operation)
    {
        string text = Marshal.PtrToStringUTF8(NativeMethods.ncclGetErrorString(code))!;
        string? last = Marshal.PtrToStringUTF8(NativeMethods.ncclGetLastError(0))?.ReplaceLineEndings(" ").Trim();
        throw new NcclException(operation, code, string.IsNullOrEmpty(last) ? text : $"{text} ({last})");
    }
}
