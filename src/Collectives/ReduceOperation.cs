namespace OpenEmbedding.Collectives;

/// <summary>How a reduction combines the elements of the ranks.</summary>
public enum ReduceOperation
{
    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The sum divided by the number of ranks.</summary>
    Average,

    /// <summary>The smallest.</summary>
    Min,

    /// <summary>The largest.</summary>
    Max,

    /// <summary>The product.</summary>
    Product,
}
