using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher;

/// <summary>MPICH's library, or one that shares its ABI.</summary>
/// <param name="File">The name under which it loads.</param>
/// <param name="Description">What it says of itself, in several lines.</param>
internal sealed partial record MpichLibrary(string File, string Description)
{
    // More than any MPI returns.
    private const int DescriptionLength = 1 << 16;

    /// <summary>The version; what the library says first, if it does not say that.</summary>
    public string Version => VersionField().Match(Description) is { Success: true } match ? match.Groups[1].Value : Description.Split('\n')[0].Trim();

    /// <summary>Loads it; null when there is none.</summary>
    public static unsafe MpichLibrary? Load()
    {
        foreach (string file in (string[])["libmpich.so.12", "libmpi.so.12"])
        {
            // Old Open MPI shares the second name.
            if (NativeLibrary.TryLoad(file, out nint library) && !NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _)
                && NativeLibrary.TryGetExport(library, "MPI_Get_library_version", out nint address))
            {
                byte* text = (byte*)NativeMemory.AllocZeroed(DescriptionLength);
                int length = 0;
                // The C function; MPI allows it before MPI_Init.
                ((delegate* unmanaged<byte*, int*, int>)address)(text, &length);
                string description = Encoding.UTF8.GetString(text, length);
                NativeMemory.Free(text);
                return new MpichLibrary(file, description);
            }
        }

        return null;
    }

    [GeneratedRegex(@"Version:\s*(\S+)")]
    private static partial Regex VersionField();
}
