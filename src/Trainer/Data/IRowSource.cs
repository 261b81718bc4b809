using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Rows of a selection, each at its place, read forward once.</summary>
internal interface IRowSource : IDisposable
{
    /// <summary>Passes over rows without decoding them.</summary>
    void Skip(long rows);

    /// <summary>Decodes the next row; see <see cref="RowFile.Read"/>.</summary>
    RowOutcome Read(out float label, Span<float> dense, Span<long> sparse);

    /// <summary>The error for the row that was just found to be bad.</summary>
    OpenEmbeddingException DescribeBadRow();

    /// <summary>To be called at the end.</summary>
    /// <exception cref="OpenEmbeddingException">The selection has no rows at all, in files of others neither.</exception>
    void ThrowIfEmpty();
}
