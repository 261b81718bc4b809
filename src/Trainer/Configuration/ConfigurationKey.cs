using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>One key of an option record, made from its property.</summary>
internal sealed class ConfigurationKey
{
    private static readonly NullabilityInfoContext _nullability = new();

    private readonly PropertyInfo _property;

    public ConfigurationKey(PropertyInfo property)
    {
        _property = property;
        Name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        lock (_nullability)
        {
            Optional = _nullability.Create(property).WriteState == NullabilityState.Nullable;
        }

        Required = property.IsDefined(typeof(RequiredMemberAttribute));
        Type = TypeOf(property.PropertyType, property);
    }

    /// <summary>The name in snake_case.</summary>
    public string Name { get; }

    /// <summary>What its value may be.</summary>
    public ConfigurationType Type { get; }

    /// <summary>Whether null is allowed and means: none.</summary>
    public bool Optional { get; }

    /// <summary>Whether a job without it is refused.</summary>
    public bool Required { get; }

    /// <summary>What the key means, from the source.</summary>
    public string Description => Documentation.Of(_property);

    public object? Get(object record) => _property.GetValue(record);

    public void Set(object record, object? value) => _property.SetValue(record, value);

    /// <summary>The keys of a record: base class first, then in the order of the source.</summary>
    public static IReadOnlyList<ConfigurationKey> Of(Type record) =>
        [.. record.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .OrderBy(property => property.DeclaringType == record)
            .ThenBy(property => property.MetadataToken)
            .Select(property => new ConfigurationKey(property))];

    private static ConfigurationType TypeOf(Type type, PropertyInfo property)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        int minimumLength = property.GetCustomAttribute<MinLengthAttribute>()?.Length ?? 0;
        if (type == typeof(bool))
        {
            return new BooleanType();
        }

        if (type == typeof(int) || type == typeof(long))
        {
            RangeAttribute limits = range ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no range");
            return new IntegerType(
                type, Convert.ToInt64(limits.Minimum, CultureInfo.InvariantCulture), Convert.ToInt64(limits.Maximum, CultureInfo.InvariantCulture));
        }

        if (type == typeof(double))
        {
            return range is null
                ? new NumberType(double.NegativeInfinity, false, double.PositiveInfinity, false)
                : new NumberType((double)range.Minimum, range.MinimumIsExclusive, (double)range.Maximum, range.MaximumIsExclusive);
        }

        if (type == typeof(string))
        {
            return new StringType(minimumLength == 0);
        }

        if (type.IsEnum)
        {
            return new ChoiceType(type, property.GetCustomAttribute<AllowedValuesAttribute>()?.Values);
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            Type item = type.GetGenericArguments()[0];
            return new ListType(item, item == typeof(string) ? new StringType(allowEmpty: false) : TypeOf(item, property), minimumLength);
        }

        return type == typeof(RowRange) ? new RowRangeType()
            : type == typeof(ServerCount) ? new ServerCountType()
            : type == typeof(Vocabulary) ? new VocabularyType()
            : type == typeof(OptimizerOptions) ? VariantType.Optimizers
            : type == typeof(InitializerOptions) ? VariantType.Initializers
            : new RecordType(type);
    }
}
