using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>
/// Native code for <c>Tensor Layer::forward(const Tensor&amp; input, …)</c>: asks a function which input to use and jumps to the original.
/// </summary>
/// <remarks>
/// Calling convention: System V AMD64, in which the result's address, the layer, the input and two more tensors lie in rdi, rsi, rdx, rcx and
/// r8. No frame of ours is left when the original runs, so that its C++ exceptions reach their handler: they cannot pass through managed code.
/// </remarks>
internal static unsafe partial class ForwardingCode
{
    private const int ReadWrite = 0x3;
    private const int ReadExecute = 0x5;
    private const int PrivateAnonymous = 0x22;
    private const nuint PageBytes = 4096;

    /// <summary>Makes the code; it stays for the life of the process.</summary>
    /// <param name="choose">A function of the layer's and the input's address that returns the address of the input to use.</param>
    /// <param name="original">The layer's own function.</param>
    public static nint Create(nint choose, nint original)
    {
        byte[] code =
        [
            0x57, 0x56, 0x51, 0x41, 0x50, 0x48, 0x83, 0xec, 0x08,  // push rdi, rsi, rcx, r8; sub rsp, 8 (aligns the stack to 16)
            0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6,                    // mov rdi, rsi; mov rsi, rdx
            0x48, 0xb8, .. BitConverter.GetBytes((long)choose),    // mov rax, choose
            0xff, 0xd0, 0x48, 0x89, 0xc2,                          // call rax; mov rdx, rax
            0x48, 0x83, 0xc4, 0x08, 0x41, 0x58, 0x59, 0x5e, 0x5f,  // add rsp, 8; pop r8, rcx, rsi, rdi
            0x48, 0xb8, .. BitConverter.GetBytes((long)original),  // mov rax, original
            0xff, 0xe0,                                            // jmp rax
        ];
        nint page = Map(0, PageBytes, ReadWrite, PrivateAnonymous, -1, 0);
        if (page == -1)
        {
            throw Refused();
        }

        code.CopyTo(new Span<byte>((void*)page, code.Length));
        if (Protect(page, PageBytes, ReadExecute) != 0)
        {
            throw Refused();
        }

        return page;
    }

    private static OpenEmbeddingException Refused() => new(
        $"the system gives no executable memory: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}", JobExitCode.Failure);

    [LibraryImport("libc.so.6", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc.so.6", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);
}
