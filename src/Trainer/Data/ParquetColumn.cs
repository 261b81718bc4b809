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
        [typeof(ReadOnlyMemory<char>)] = (group, field, target) => RawValues(group, field, target, static (ReadOnlyMemory<char> text) => Categories.Of(text.Span)),
        [typeof(ReadOnlyMemory<byte>)] = (group, field, target) => RawValues(group, field, target, static (ReadOnlyMemory<byte> utf8) => Categories.Of(utf8.Span)),
        [typeof(sbyte)] = Integers<sbyte>,
        [typeof(short)] = Integers<short>,
        [typeof(int)] = Integers<int>,
        [typeof(long)] = Integers<long>,
        [typeof(byte)] = Integers<byte>,
        [typeof(ushort)] = Integers<ushort>,
        [typeof(uint)] = Integers<uint>,
        // As in text, what 64 bits with a sign cannot hold is no number.
        [typeof(ulong)] = (group, field, target) => RawValues(group, field, target, static (ulong value) => value <= long.MaxValue
            ? (long)value
            : Categories.Of(value.ToString(CultureInfo.InvariantCulture))),
    };

    private delegate void NumberReader(ParquetRowGroupReader group, DataField field, Span<float> target, float missing);

    private delegate void CategoryReader(ParquetRowGroupReader group, DataField field, Span<long> target);

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

    /// <summary>Reads a column of categories as the raw values that the same values have in text; nulls are <see cref="RowFile.EmptyCategory"/>.</summary>
    /// <param name="group">The row group.</param>
    /// <param name="field">The column, of which <see cref="HasCategories"/> is true.</param>
    /// <param name="target">Takes the values, [rows of the group].</param>
    public static void ReadCategories(ParquetRowGroupReader group, DataField field, Span<long> target) => _categories[field.ClrType](group, field, target);

    private static void Numbers<T>(ParquetRowGroupReader group, DataField field, Span<float> target, float missing)
        where T : struct, INumberBase<T> => Read(group, field, target, missing, static (T value) => float.CreateSaturating(value));

    private static void Integers<T>(ParquetRowGroupReader group, DataField field, Span<long> target)
        where T : struct, IBinaryInteger<T> => RawValues(group, field, target, static (T value) => long.CreateChecked(value));

    private static void RawValues<T>(ParquetRowGroupReader group, DataField field, Span<long> target, Func<T, long> convert)
        where T : struct => Read(group, field, target, RowFile.EmptyCategory, convert);

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
}
