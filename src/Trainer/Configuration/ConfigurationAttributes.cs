namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The name of an enum member in a configuration, where it is not the member's name in snake_case.</summary>
/// <param name="name">The name as it is written in JSON and on the command line.</param>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class NamedAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>Lets a value, or a list where the key takes one, stand for an object that has only the named key.</summary>
/// <param name="key">The key whose value may stand alone.</param>
/// <param name="description">What may stand alone, for messages.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ShortFormAttribute(string key, string description) : Attribute
{
    public string Key { get; } = key;

    public string Description { get; } = description;
}
