namespace OpenEmbedding.Trainer.Data;

/// <summary>Gives the categories of a generated column their values in the file, by their rank in frequency from 1.</summary>
internal abstract class CategoryNames
{
    /// <summary>The value of a category.</summary>
    public abstract uint Of(uint rank);

    /// <summary>Numbers of 32 bits without visible order, as in Criteo's files.</summary>
    /// <param name="column">The column, from 0: the same rank has another name in each.</param>
    public static CategoryNames Hashed(int column) => new Hashes((uint)column * 0x9E3779B9);

    /// <summary>The numbers below the cardinality, frequent ones far from each other as in the rows of a real table.</summary>
    public static CategoryNames Within(int cardinality) => new Numbers((uint)cardinality);

    private sealed class Hashes(uint offset) : CategoryNames
    {
        /// <summary>A bijection of 32 bits (the finalizer of MurmurHash3), so that categories of a column stay distinct.</summary>
        public override uint Of(uint rank)
        {
            uint x = rank + offset;
            x = (x ^ (x >> 16)) * 0x85EBCA6B;
            x = (x ^ (x >> 13)) * 0xC2B2AE35;
            return x ^ (x >> 16);
        }
    }

    private sealed class Numbers(uint cardinality) : CategoryNames
    {
        private const double GoldenRatio = 0.6180339887498949;
        private readonly ulong _stride = FindStride(cardinality);

        /// <summary>A bijection, because the stride and the cardinality have no common factor.</summary>
        public override uint Of(uint rank) => (uint)(rank * _stride % cardinality);

        private static ulong FindStride(uint cardinality)
        {
            uint stride = Math.Max(1, (uint)(cardinality * GoldenRatio));
            while (GreatestCommonFactor(stride, cardinality) != 1)
            {
                stride++;
            }

            return stride;
        }

        private static uint GreatestCommonFactor(uint a, uint b) => b == 0 ? a : GreatestCommonFactor(b, a % b);
    }
}
