using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>An object whose <c>name</c> says which record its other keys belong to; the name may also stand alone.</summary>
internal sealed class VariantType : ConfigurationType
{
    private VariantType(IReadOnlyList<Variant> variants)
    {
        Variants = variants;
        Name = new ChoiceType(variants.Select(variant => (variant.Name, (object)variant, variant.Describe)));
    }

    /// <summary>The update rules, by the names that Keras gives them.</summary>
    public static VariantType Optimizers { get; } = new(
    [
        Variant.Of<SgdOptions>("SGD"),
        Variant.Of<AdagradOptions>("Adagrad"),
        Variant.Of<AdadeltaOptions>("Adadelta"),
        Variant.Of<AdamOptions>("Adam"),
        Variant.Of<AdamaxOptions>("Adamax"),
        Variant.Of<NadamOptions>("Nadam"),
        Variant.Of<RmspropOptions>("RMSprop"),
        Variant.Of<FtrlOptions>("Ftrl"),
    ]);

    /// <summary>The initial values, by the names that Keras gives them.</summary>
    public static VariantType Initializers { get; } = new(
    [
        Variant.Of<RandomNormalOptions>("random_normal"),
        Variant.Of<TruncatedNormalOptions>("truncated_normal"),
        Variant.Of<RandomUniformOptions>("random_uniform"),
        Variant.Of<ConstantOptions>("constant"),
        new Variant("zeros", new RecordType(typeof(object)), () => new ConstantOptions { Value = 0 }, () => "Every weight 0."),
        new Variant("ones", new RecordType(typeof(object)), () => new ConstantOptions { Value = 1 }, () => "Every weight 1."),
    ]);

    /// <summary>What the name may choose.</summary>
    public IReadOnlyList<Variant> Variants { get; }

    /// <summary>The key that chooses.</summary>
    public ChoiceType Name { get; }

    public override string Expected => $"a name or an object with a name, {Name.Expected}";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        JsonObject members = node switch
        {
            JsonObject given => given,
            JsonValue value when value.GetValueKind() == JsonValueKind.String => Expand(value),
            _ => throw Refuse(node, path),
        };
        if (members.TryGetPropertyValue("name", out JsonNode? name))
        {
            var variant = (Variant)Name.Read(name, path.Child("name"), null, complete);
            return variant.Record.Fill(variant.Create(), members, path, complete, variant.Name);
        }

        if (current is null)
        {
            if (members.Select(member => member.Key).FirstOrDefault(key => Find(key) is null) is { } unknown)
            {
                throw Unknown(unknown, path);
            }

            throw new ConfigurationFault(path.Child("name"), $"{path.Child("name")} is missing; it is {Name.Expected}");
        }

        Variant standing = VariantOf(current);
        return standing.Record.Fill(current, members, path, complete, standing.Name);
    }

    public override JsonNode Write(object value)
    {
        Variant variant = VariantOf(value);
        var members = new JsonObject { ["name"] = variant.Name };
        variant.Record.WriteTo(members, value);
        return members;
    }

    public override JsonObject ToSchema()
    {
        var choices = new JsonArray(Name.ToSchema());
        foreach (Variant variant in Variants)
        {
            var members = new JsonObject { ["name"] = new JsonObject { ["const"] = variant.Name } };
            variant.Record.AddSchemas(members, variant.Create());
            choices.Add(new JsonObject
            {
                ["description"] = variant.Describe(),
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["properties"] = members,
            });
        }

        return new JsonObject { ["anyOf"] = choices };
    }

    /// <summary>Takes a name, or a JSON object.</summary>
    public override JsonNode? FromText(string text, KeyPath path) => text.StartsWith('{') ? ParseText(text, path) : base.FromText(text, path);

    /// <summary>Writes a name that stands alone out as an object.</summary>
    public static JsonObject Expand(JsonNode name) => new() { ["name"] = name.DeepClone() };

    /// <summary>The variant that a value belongs to; constants are "constant", whatever their value.</summary>
    public Variant VariantOf(object value) => Variants.First(variant => variant.Create().GetType() == value.GetType());

    /// <summary>A key of any variant; null where none has it.</summary>
    public ConfigurationKey? Find(string name) =>
        Variants.SelectMany(variant => variant.Record.Keys).FirstOrDefault(key => key.Name == name);

    /// <summary>The error of a key that no variant has.</summary>
    public ConfigurationFault Unknown(string name, KeyPath path)
    {
        string[] allowed = ["name", .. Variants.SelectMany(variant => variant.Record.Keys).Select(key => key.Name).Distinct()];
        string hint = NearestName.Find(name, allowed) is { } nearest ? $"; did you mean \"{nearest}\"?" : "";
        KeyPath child = path.Child(name);
        return new ConfigurationFault(child, $"{child} is not a known key{hint} (allowed: {string.Join(", ", allowed)})");
    }
}

/// <summary>One choice of a <see cref="VariantType"/>.</summary>
/// <param name="Name">The name that chooses it.</param>
/// <param name="Record">Its keys.</param>
/// <param name="Create">Makes its record with the defaults.</param>
/// <param name="Describe">Says what it means, from the source.</param>
internal sealed record Variant(string Name, RecordType Record, Func<object> Create, Func<string> Describe)
{
    /// <summary>The default of one of its keys, as JSON.</summary>
    public string DefaultOf(string key)
    {
        ConfigurationKey found = Record.Keys.First(candidate => candidate.Name == key);
        return ConfigurationType.Show(found.Type.Write(found.Get(Create())!));
    }

    /// <summary>A choice whose keys are those of an option record.</summary>
    public static Variant Of<T>(string name)
        where T : new() => new(name, new RecordType(typeof(T)), () => new T(), () => Documentation.Of(typeof(T)));
}
