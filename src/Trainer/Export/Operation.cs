namespace OpenEmbedding.Trainer.Export;

/// <summary>What a node of a <see cref="ComputationGraph"/> computes; arrays are row-major and broadcast as numpy's do.</summary>
internal enum Operation
{
    /// <summary>The same numbers in another type.</summary>
    Cast,

    /// <summary>Any number of arrays, one behind the other along an axis.</summary>
    Concatenate,

    /// <summary>a + b; of integers modulo 2^64.</summary>
    Add,

    /// <summary>a − b; of integers modulo 2^64.</summary>
    Subtract,

    /// <summary>a · b.</summary>
    Multiply,

    /// <summary>The remainder of a by a positive integer b, from 0 to b − 1.</summary>
    Remainder,

    /// <summary>The absolute value.</summary>
    Absolute,

    /// <summary>−1, 0 or 1.</summary>
    Sign,

    /// <summary>The natural logarithm.</summary>
    Logarithm,

    /// <summary>a, held to [low, high].</summary>
    Clip,

    /// <summary>Whether a is below b.</summary>
    Less,

    /// <summary>Of three arrays, the second where the first is true, elsewhere the third.</summary>
    Select,

    /// <summary>The place of an integer in a sorted list of distinct ones; the length of the list if it is not there.</summary>
    Find,

    /// <summary>The rows of the first array that the second, of integers, names.</summary>
    Rows,

    /// <summary>The product of the last two dimensions.</summary>
    MatrixProduct,

    /// <summary>max(a, 0).</summary>
    Relu,

    /// <summary>1 / (1 + e^−a).</summary>
    Sigmoid,

    /// <summary>e^a, divided by the sum of them over the last dimension.</summary>
    Softmax,

    /// <summary>The sum over an axis, which goes.</summary>
    Sum,

    /// <summary>The same elements in another shape, of which one dimension may be −1: what is left.</summary>
    Reshape,

    /// <summary>Dimensions in another order.</summary>
    Transpose,

    /// <summary>Of an axis the part from a first index up to a last one, which is left out.</summary>
    Slice,
}
