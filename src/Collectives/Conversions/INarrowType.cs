using System.Runtime.Intrinsics;

namespace OpenEmbedding.Collectives;

/// <summary>A floating-point type of 16 bits and how float32 becomes it, as a value type so that each makes loops of its own.</summary>
/// <remarks>
/// Rounding is to the nearest, ties to even. A number too large for the type becomes its largest one of that sign: infinity comes from
/// infinity only, and not-a-number stays one.
/// </remarks>
public interface INarrowType
{
    /// <summary>The bits of eight rounded numbers, each in the lower half of its lane.</summary>
    static abstract Vector256<uint> Narrow(Vector256<float> values);

    /// <summary>The numbers of eight bit patterns, each in the lower half of its lane; exact.</summary>
    static abstract Vector256<float> Widen(Vector256<uint> bits);
}
