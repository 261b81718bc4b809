using System.Buffers;
using System.Globalization;
using System.Numerics;
using Parquet;
using Parquet.Schema;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Decodes one column of a row group at a time into numbers or categories.</summary>
internal static class ParquetColumn
{
    /// <summary>Types that <see cref="ReadNumbers"/> takes, in words.</summary>
    public const string NumberTypes = "integers, floating-point numbers, decimals or booleans";

    /// <summary>Types that <see cref="ReadCategories"/> takes, in words.</summary>
    public const string CategoryTypes = "integers, text or bytes";

    private static readonly Dictionary<Type, NumberReader> _numbers = new()
    {
        [typeof(float)] = Numbers<float>,
        [typeof(double)] = Numbers<double>,
        [typeof(decimal)] = Numbers<decimal>,
        [typeof(sbyte)] = Numbers<sbyte>,
        [typeof(short)] = Numbers<short>,
        [typeof(int)] = Numbers<int>,
        [typeof(long)] = Numbers<long>,
        [typeof(byte)] = Numbers<byte>,
        [typeof(ushort)] = Numbers<ushort>,
        [typeof(uint)] = Numbers<uint>,
        [typeof(ulong)] = Numbers<ulong>,
        [typeof(bool)] = (group, field, target, missing) => Read(group, field, target, missing, static (bool value) => value ? 1f : 0f),
    };

    private static readonly Dictionary<Type, CategoryReader> _categories = new()
    {
        [typeof(ReadOnlyMemory<char>)] = new CategoryReader<ReadOnlyMemory<char>>(
            static text => Categories.Of(text.Span), static (slots, column, text, target) => slots.Fill(column, text.Span, target)),
        [typeof(ReadOnlyMemory<byte>)] = new CategoryReader<ReadOnlyMemory<byte>>(
            static utf8 => Categories.Of(utf8.Span), static (slots, column, utf8, target) => slots.Fill(column, utf8.Span, target)),
        [typeof(sbyte)] = Integers<sbyte>(),
        [typeof(short)] = Integers<short>(),
        [typeof(int)] = Integers<int>(),
        [typeof(long)] = Integers<long>(),
        [typeof(byte)] = Integers<byte>(),
        [typeof(ushort)] = Integers<ushort>(),
        [typeof(uint)] = Integers<uint>(),
        // As in text, what 64 bits with a sign cannot hold is no number.
        [typeof(ulong)] = new CategoryReader<ulong>(static value => value <= long.MaxValue ? (long)value : Categories.Of(value.ToString(CultureInfo.InvariantCulture))),
    };

    private delegate void NumberReader(ParquetRowGroupReader group, DataField field, Span<float> target, float missing);

    /// <summary>Whether a column's values can be read as numbers.</summary>
    public static bool HasNumbers(DataField field) => _numbers.ContainsKey(field.ClrType);

    /// <summary>Whether a column's values can be read as categories.</summary>
    public static bool HasCategories(DataField field) => _categories.ContainsKey(field.ClrType);

    /// <summary>Reads a column of numbers.</summary>
    /// <param name="group">The row group.</param>
    /// <param name="field">The column, of which <see cref="HasNumbers"/> is true.</param>
    /// <param name="target">Takes the values, [rows of the group].</param>
    /// <param name="missing">Stands for a null.</param>
    public static void ReadNumbers(ParquetRowGroupReader group, DataField field, Span<float> target, float missing) =>
        _numbers[field.ClrType](group, field, target, missing);

    /// <summary>
    /// Reads a column of categories as the raw values that the same values have in text; nulls are <see cref="RowFile.EmptyCategory"/>. Of a multi-hot column the values are
    /// lists, or text with separators.
    /// </summary>
    /// <param name="group">The row group.</param>
    /// <param name="field">The column, of which <see cref="HasCategories"/> is true.</param>
    /// <param name="values">How many values it has, nulls too.</param>
    /// <param name="slots">Where categories lie in a row.</param>
    /// <param name="column">The column's place among the sparse ones.</param>
    /// <param name="target">Takes the values, [rows of the group, slots of the column].</param>
    /// <exception cref="InvalidDataException">There are lists for another number of rows.</exception>
    public static void ReadCategories(ParquetRowGroupReader group, DataField field, int values, SparseSlots slots, int column, Span<long> target)
    {
        CategoryReader reader = _categories[field.ClrType];
        if (slots.WidthOf(column) == 1)
        {
            reader.ReadEach(group, field, target);
            return;
        }

        target.Fill(SparseSlots.Empty);
        reader.ReadSeveral(group, field, values, slots, column, target);
    }

    private static void Numbers<T>(ParquetRowGroupReader group, DataField field, Span<float> target, float missing)
        where T : struct, INumberBase<T> => Read(group, field, target, missing, static (T value) => float.CreateSaturating(value));

    private static CategoryReader<T> Integers<T>()
        where T : struct, IBinaryInteger<T> => new(static value => long.CreateChecked(value));

    /// <summary>The library packs the values that there are, and tells by levels of definition which rows have one.</summary>
    private static void Read<T, TTarget>(ParquetRowGroupReader group, DataField field, Span<TTarget> target, TTarget missing, Func<T, TTarget> convert)
        where T : struct
    {
        T[] values = ArrayPool<T>.Shared.Rent(target.Length);
        int[] levels = field.IsNullable ? ArrayPool<int>.Shared.Rent(target.Length) : [];
        try
        {
            Memory<int>? defined = field.IsNullable ? levels.AsMemory(0, target.Length) : default(Memory<int>?);
            group.ReadRawAsync<T>(field, values.AsMemory(0, target.Length), defined, repetitionLevels: null).AsTask().GetAwaiter().GetResult();
            int next = 0;
            for (int row = 0; row < target.Length; row++)
            {
                target[row] = field.IsNullable && levels[row] < field.MaxDefinitionLevel ? missing : convert(values[next++]);
            }
        }
        finally
        {
            // Texts would otherwise keep the file's pages alive.
            ArrayPool<T>.Shared.Return(values, clearArray: true);
            if (levels.Length > 0)
            {
                ArrayPool<int>.Shared.Return(levels);
            }
        }
    }

    /// <summary>Reads categories of one type.</summary>
    private abstract class CategoryReader
    {
        public abstract void ReadEach(ParquetRowGroupReader group, DataField field, Span<long> target);

        public abstract void ReadSeveral(ParquetRowGroupReader group, DataField field, int values, SparseSlots slots, int column, Span<long> target);
    }

    /// <summary>Reads categories of a type.</summary>
    /// <param name="convert">The category of a value.</param>
    /// <param name="fill">The categories of a value that is no list; where left out the one that <paramref name="convert"/> gives.</param>
    private sealed class CategoryReader<T>(Func<T, long> convert, Fill<T>? fill = null) : CategoryReader
        where T : struct
    {
        public override void ReadEach(ParquetRowGroupReader group, DataField field, Span<long> target) =>
            Read(group, field, target, RowFile.EmptyCategory, convert);

        public override void ReadSeveral(ParquetRowGroupReader group, DataField field, int values, SparseSlots slots, int column, Span<long> target)
        {
            int width = slots.WidthOf(column);
            bool isList = field.MaxRepetitionLevel > 0;
            T[] held = new T[values];
            int[] defined = new int[field.MaxDefinitionLevel > 0 ? values : 0];
            int[] repeated = new int[isList ? values : 0];
            group.ReadRawAsync<T>(
                field, held, defined.Length > 0 ? defined : default(Memory<int>?), isList ? repeated : default(Memory<int>?)).AsTask().GetAwaiter().GetResult();
            int row = -1;
            int next = 0;
            for (int i = 0; i < values; i++)
            {
                row += isList && repeated[i] > 0 ? 0 : 1;
                if ((defined.Length > 0 && defined[i] < field.MaxDefinitionLevel) || row < 0 || row >= target.Length / width)
                {
                    continue;
                }

                Span<long> ofRow = target.Slice(row * width, width);
                if (isList || fill is null)
                {
                    SparseSlots.Take(convert(held[next++]), ofRow);
                }
                else
                {
                    fill(slots, column, held[next++], ofRow);
                }
            }

            if (row + 1 != target.Length / width)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"lists for {row + 1} rows, not {target.Length / width}"));
            }
        }
    }

    private delegate void Fill<T>(SparseSlots slots, int column, T value, Span<long> target);
}
