using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Cuda;

/// <summary>A call of NVIDIA's driver failed.</summary>
public sealed class CudaException : OpenEmbeddingException
{
    internal CudaException(string operation, int code, string text)
        : base($"{operation} failed: {text}", JobExitCode.Failure)
    {
        Operation = operation;
        Code = code;
    }

    /// <summary>The C name of the function that failed.</summary>
    public string Operation { get; }

    /// <summary>The driver's error code.</summary>
    public int Code { get; }

    internal static void Check(int code, string operation)
    {
        if (code != 0)
        {
            Throw(code, operation);
        }
    }

    internal static unsafe string Explain(int code)
    {
        nint text;
        return NativeMethods.cuGetErrorString(code, &text) == 0 ? Marshal.PtrToStringUTF8(text)! : $"CUDA error {code}";
    }

    [DoesNotReturn]
    private static void Throw(int code, string operation) => throw new CudaException(operation, code, Explain(code));
}
