using System.Text;
using TorchSharp;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class TorchLibraryTests
{
    [Fact]
    public void The_library_in_the_output_needs_no_newer_cpp_library_than_debian_12_has()
    {
        string[] libraries = Directory.GetFiles(AppContext.BaseDirectory, "libLibTorchSharp.so", SearchOption.AllDirectories);

        Assert.NotEmpty(libraries);
        foreach (string library in libraries)
        {
            byte[] file = File.ReadAllBytes(library);
            Assert.DoesNotContain("GLIBCXX_3.4.32", NeededVersions(file));
            Assert.NotEqual(-1, file.AsSpan().IndexOf("_ZNSt8ios_base4InitC1Ev"u8));
        }
    }

    [Fact]
    public void Torch_computes()
    {
        using torch.Tensor product = torch.ones(2, 3).matmul(torch.ones(3, 1));

        Assert.Equal([3f, 3f], product.data<float>().ToArray());
    }

    /// <summary>The names in <c>.gnu.version_r</c>, in the order of the file.</summary>
    private static List<string> NeededVersions(byte[] file)
    {
        var names = new List<string>();
        int needed = Section(file, type: 0x6ffffffe);
        int need = Offset(file, needed);
        int strings = Offset(file, (int)BitConverter.ToInt64(file, 0x28) + (64 * BitConverter.ToInt32(file, needed + 0x28)));
        for (int next = -1; next != 0; need += next)
        {
            int auxiliary = need + BitConverter.ToInt32(file, need + 8);
            for (int i = 0; i < BitConverter.ToUInt16(file, need + 2); i++)
            {
                int start = strings + BitConverter.ToInt32(file, auxiliary + 8);
                names.Add(Encoding.ASCII.GetString(file, start, Array.IndexOf(file, (byte)0, start) - start));
                auxiliary += BitConverter.ToInt32(file, auxiliary + 12);
            }

            next = BitConverter.ToInt32(file, need + 12);
        }

        return names;
    }

    private static int Section(byte[] file, uint type) => Enumerable
        .Range(0, BitConverter.ToUInt16(file, 0x3c))
        .Select(i => (int)BitConverter.ToInt64(file, 0x28) + (64 * i))
        .First(header => BitConverter.ToUInt32(file, header + 4) == type);

    private static int Offset(byte[] file, int header) => (int)BitConverter.ToInt64(file, header + 0x18);
}
