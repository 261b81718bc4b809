using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Which kernels libtorch's matrix products take on the processor.</summary>
/// <remarks>
/// They come from MKL, which takes its AVX-512 kernels on processors of Intel only, and on all others those for AVX2: half the speed on an AMD
/// processor of Zen 4 or later. It asks one function of its own who made the processor, once, and then what the processor can do.
/// </remarks>
public static unsafe class TorchKernels
{
    /// <summary>The environment variable that leaves the choice to MKL when it is <c>vendor</c>.</summary>
    public const string Variable = "OE_MKL";

    private const string Vendor = "vendor";
    private const string IsOfIntel = "mkl_serv_intel_cpu_true";

    /// <summary>
    /// Lets MKL choose by what the processor can do, if that is one of AMD with AVX-512; before the first matrix product. Without effect where libtorch
    /// has another library.
    /// </summary>
    /// <returns>Whether it does.</returns>
    public static bool ChooseByInstructions() =>
        Environment.GetEnvironmentVariable(Variable) != Vendor
        && IsAmd()
        && Avx512F.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported && Avx512DQ.VL.IsSupported
        && new NativeImports("libtorch_cpu.so").TryRedirect(IsOfIntel, _ => (nint)(delegate* unmanaged<int>)&Yes);

    private static bool IsAmd()
    {
        if (!X86Base.IsSupported)
        {
            return false;
        }

        (_, int ebx, int ecx, int edx) = X86Base.CpuId(0, 0);
        Span<int> maker = [ebx, edx, ecx];
        return MemoryMarshal.AsBytes(maker).SequenceEqual("AuthenticAMD"u8);
    }

    [UnmanagedCallersOnly]
    private static int Yes() => 1;
}
