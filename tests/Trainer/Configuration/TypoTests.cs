using System.Text.Json.Nodes;
using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.CommandLine;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class TypoTests : IDisposable
{
    private static readonly Gen<char> _letter = Gen.OneOfConst([.. "abcdefghijklmnopqrstuvwxyz0123456789_"]);

    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_wrong_character_in_any_key_names_the_nearest()
    {
        Gen.OneOfConst([.. ConfigurationKeys.All]).SelectMany(entry => Typo(LastOf(entry)).Select(typo => (entry, typo))).Sample(
            pair =>
            {
                (ConfigurationEntry entry, string typo) = pair;
                string[] known = Siblings(entry);
                if (known.Contains(typo))
                {
                    return;
                }

                string section = entry.Path[..entry.Path.LastIndexOf('.').ClampToZero()];
                string message = _folder.Refusal(FileWith(entry, typo));
                Assert.StartsWith($"criteo.json: {(section.Length == 0 ? "" : section + ".")}{typo} is not a known key", message, StringComparison.Ordinal);
                Assert.Equal(1, NearestName.Edits(typo, Named(message)));
                Assert.Contains(Named(message), known);
            },
            threads: 1);
    }

    [Fact]
    public void One_wrong_character_in_any_option_names_the_nearest()
    {
        Gen.OneOfConst([.. ConfigurationKeys.All]).SelectMany(entry => Typo(entry.Path)).Sample(typo =>
        {
            if (typo.StartsWith('-') || ConfigurationKeys.All.Any(entry => entry.Path == typo))
            {
                return;
            }

            string message = Assert.Throws<OpenEmbeddingException>(() => TrainerCommandLine.Parse([$"--{typo}", "1"])).Message;
            Assert.StartsWith($"command line: --{typo} is not a known option; did you mean \"--", message, StringComparison.Ordinal);
            Assert.Equal(1, NearestName.Edits("--" + typo, Named(message)));
        });
    }

    [Theory]
    [InlineData("batch_size", "batch_size", 0)]
    [InlineData("bacth_size", "batch_size", 1)]
    [InlineData("batchsize", "batch_size", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Edits_are_counted(string from, string to, int edits)
    {
        Assert.Equal(edits, NearestName.Edits(from, to));
        Assert.Equal(edits, NearestName.Edits(to, from));
    }

    /// <summary>A character replaced, left out, put in, or swapped with the next.</summary>
    private static Gen<string> Typo(string key) =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, key.Length - 1], _letter, (kind, at, letter) => kind switch
        {
            0 => key[..at] + letter + key[(at + 1)..],
            1 when key.Length > 1 => key.Remove(at, 1),
            2 when at + 1 < key.Length => key[..at] + key[at + 1] + key[at] + key[(at + 2)..],
            _ => key.Insert(at, letter.ToString()),
        }).Where(typo => typo != key);

    private static string Named(string message)
    {
        const string Before = "did you mean \"";
        int start = message.IndexOf(Before, StringComparison.Ordinal) + Before.Length;
        return message[start..message.IndexOf('"', start)];
    }

    private static string LastOf(ConfigurationEntry entry) => entry.Path.Split('.')[^1];

    private static string[] Siblings(ConfigurationEntry entry)
    {
        string section = entry.Path[..(entry.Path.Length - LastOf(entry).Length)];
        return section.Length == 0
            ? [.. ConfigurationKeys.Root.Keys.Select(key => key.Name)]
            : [.. ConfigurationKeys.All.Where(other => other.Path.StartsWith(section, StringComparison.Ordinal)).Select(other => other.Path[section.Length..])];
    }

    /// <summary>A file with the mistyped key in its section, and the name of the variant that has the right one.</summary>
    private static string FileWith(ConfigurationEntry entry, string typo)
    {
        var section = new JsonObject { [typo] = 1 };
        if (entry.Variants.Count > 0)
        {
            section["name"] = entry.Variants[0].Name;
        }

        foreach (string key in entry.Path.Split('.')[..^1].Reverse())
        {
            section = new JsonObject { [key] = section };
        }

        return section.ToJsonString();
    }
}

file static class Indices
{
    public static int ClampToZero(this int index) => Math.Max(index, 0);
}
