using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>
/// The summaries of the option records, from the documentation files that the compiler writes beside the assemblies: help, schema and key table say
/// what the source says. A file that is missing only leaves descriptions empty.
/// </summary>
internal static partial class Documentation
{
    private static readonly Dictionary<Assembly, Dictionary<string, string>> _summaries = [];

    /// <summary>The summary of a property, a field or a type as one line; names of code stand in backticks.</summary>
    public static string Of(MemberInfo member)
    {
        string id = member switch
        {
            Type type => "T:" + type.FullName,
            PropertyInfo => $"P:{member.DeclaringType!.FullName}.{member.Name}",
            _ => $"F:{member.DeclaringType!.FullName}.{member.Name}",
        };
        lock (_summaries)
        {
            if (!_summaries.TryGetValue(member.Module.Assembly, out Dictionary<string, string>? texts))
            {
                texts = Load(member.Module.Assembly);
                _summaries.Add(member.Module.Assembly, texts);
            }

            return texts.GetValueOrDefault(id.Replace('+', '.'), "");
        }
    }

    private static Dictionary<string, string> Load(Assembly assembly)
    {
        string path = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        if (!File.Exists(path))
        {
            return [];
        }

        return XDocument.Load(path).Descendants("member")
            .Where(member => member.Element("summary") is not null)
            .ToDictionary(member => member.Attribute("name")!.Value, member => Flatten(member.Element("summary")!));
    }

    private static string Flatten(XElement summary) =>
        Space().Replace(string.Concat(summary.Nodes().Select(Text)), " ").Trim();

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement element when element.Attribute("cref") is { } reference => $"`{reference.Value[(reference.Value.LastIndexOf('.') + 1)..]}`",
        XElement element => element.Value,
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
