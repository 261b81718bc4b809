using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public unsafe class PrefaulterTests
{
    private const long Bytes = (48 << 20) + 12345;

    [Theory]
    [InlineData(0)]
    [InlineData(Bytes / 2)]
    [InlineData(Bytes)]
    public void LeavesWhatIsThere(long filled)
    {
        nint memory = HugePages.Allocate(Bytes);
        try
        {
            using (var prefaulter = new Prefaulter(memory, Bytes))
            {
                for (long i = 0; i < filled; i++)
                {
                    ((byte*)memory)[i] = (byte)i;
                    if (i % (1 << 20) == 0)
                    {
                        prefaulter.FilledTo(memory + (nint)i);
                    }
                }
            }

            for (long i = 0; i < filled; i++)
            {
                Assert.True(((byte*)memory)[i] == (byte)i, $"byte {i} changed");
            }
        }
        finally
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    [Fact]
    public void ReservedMemoryIsHandedOutInOnePiece()
    {
        const long Piece = 1 << 20;
        const int Pieces = 100;
        using var arena = new NativeArena();
        arena.Reserve(Pieces * Piece);
        nint first = arena.Allocate(Piece);
        for (int i = 1; i < Pieces; i++)
        {
            Assert.Equal(first + (nint)(i * Piece), arena.Allocate(Piece));
        }

        // What was reserved was too little: another slab follows.
        *(long*)arena.Allocate(Piece) = 1;
        Assert.Equal((Pieces + 1) * Piece, arena.Bytes);
    }
}
