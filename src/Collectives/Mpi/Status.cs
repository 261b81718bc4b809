using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Mpi;

/// <summary>What is known of a message: laid out as MPICH's MPI_Status (20 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Status
{
    // The byte count, whose upper half also holds the bit "cancelled"; read by MPI_Get_count only.
    private readonly int _countLow;
    private readonly int _countHighAndCancelled;

    /// <summary>The rank that sent the message.</summary>
    internal int Source;

    /// <summary>The tag of the message.</summary>
    internal int Tag;

    /// <summary>The error of this message in a call that completes several.</summary>
    internal int Error;

    /// <summary>The length of the message in bytes.</summary>
    internal unsafe int ByteCount
    {
        get
        {
            int count;
            fixed (Status* self = &this) // MPI reads the status where it lies
            {
                MpiException.Check(NativeMethods.MPI_Get_count(self, Handle.Byte, &count), "MPI_Get_count", -1, 0);
            }

            return count;
        }
    }
}
