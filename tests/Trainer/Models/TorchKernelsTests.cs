using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed unsafe class TorchKernelsTests
{
    // MKL's number for AVX-512.
    private const int Avx512 = 7;

    private static readonly string? _reason = TorchKernels.ChooseByInstructions() ? null : "no AMD processor with AVX-512";

    /// <summary>All tests compute with the kernels that jobs have; MKL chooses at the first product.</summary>
    [ModuleInitializer]
    internal static void ChooseAsJobsDo() => RuntimeHelpers.RunClassConstructor(typeof(TorchKernelsTests).TypeHandle);

    [ChosenFact]
    public void Amd_processors_with_avx512_take_its_kernels()
    {
        using Tensor product = ones(2, 3).matmul(ones(3, 1));
        nint kind = NativeLibrary.GetExport(NativeLibrary.Load("libtorch_cpu.so", typeof(TorchSharp.torch).Assembly, null), "mkl_serv_cpu_detect");

        Assert.Equal(Avx512, ((delegate* unmanaged<int>)kind)());
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 13, 1)]
    [InlineData(64, 247, 400)]
    [InlineData(129, 31, 65)]
    public void Products_are_those_of_plain_loops(int rows, int inner, int columns)
    {
        using Generator generator = new(5);
        using Tensor left = randn([rows, inner], generator: generator);
        using Tensor right = randn([inner, columns], generator: generator);
        float[] a = left.data<float>().ToArray();
        float[] b = right.data<float>().ToArray();

        using Tensor product = left.mm(right);
        float[] products = product.data<float>().ToArray();

        for (int i = 0; i < rows * columns; i++)
        {
            int row = i / columns;
            double sum = Enumerable.Range(0, inner).Sum(k => (double)a[(row * inner) + k] * b[(k * columns) + (i % columns)]);
            Assert.Equal(sum, products[i], 1e-4);
        }
    }

    private sealed class ChosenFactAttribute : FactAttribute
    {
        public ChosenFactAttribute() => Skip = _reason;
    }
}
