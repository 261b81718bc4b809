namespace OpenEmbedding.Trainer.Data;

/// <summary>One generated row.</summary>
internal sealed class CriteoSample
{
    /// <summary>The value of an empty dense field.</summary>
    public const int EmptyCount = int.MinValue;

    /// <summary>I1 to I13.</summary>
    public int[] Dense { get; } = new int[CriteoRow.DenseColumns];

    /// <summary>C1 to C26 as 32-bit numbers, <see cref="RowFile.EmptyCategory"/> where empty.</summary>
    public long[] Sparse { get; } = new long[CriteoRow.SparseColumns];

    /// <summary>The logit of the hidden model, which no reader of the file sees.</summary>
    public double Logit { get; set; }

    /// <summary>The label, drawn with the probability σ(logit).</summary>
    public bool IsPositive { get; set; }
}
