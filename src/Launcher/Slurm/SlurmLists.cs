using System.Globalization;

namespace OpenEmbedding.Launcher.Slurm;

/// <summary>The short forms in which Slurm writes lists.</summary>
internal static class SlurmLists
{
    /// <summary>The most entries of a list.</summary>
    public const int Maximum = 65536;

    /// <summary>
    /// Expands a list of nodes: <c>n[01-03,7],m5</c> is n01, n02, n03, n7, m5; a name may have several brackets. Null where it is none.
    /// </summary>
    public static IReadOnlyList<string>? ExpandNodes(string text)
    {
        var names = new List<string>();
        foreach (string entry in SplitOutsideBrackets(text))
        {
            if (!Expand("", entry, names))
            {
                return null;
            }
        }

        return names;
    }

    /// <summary>Expands numbers per node: <c>4(x2),3</c> is 4, 4, 3. Null where it is no such list.</summary>
    public static IReadOnlyList<int>? ExpandCounts(string text)
    {
        var counts = new List<int>();
        foreach (string entry in text.Split(','))
        {
            string[] parts = entry.Split("(x", 2);
            int times = 1;
            if (parts.Length == 2 && !(parts[1].EndsWith(')') && IsNumber(parts[1][..^1], out times)))
            {
                return null;
            }

            if (!IsNumber(parts[0], out int count) || count is < 1 or > HostList.MaximumSlots || times < 1 || times > Maximum - counts.Count)
            {
                return null;
            }

            counts.AddRange(Enumerable.Repeat(count, times));
        }

        return counts;
    }

    // What stands before the bracket is fixed; each number in it is followed by everything that the rest expands to.
    private static bool Expand(string before, string entry, List<string> names)
    {
        int open = entry.IndexOf('[');
        if (open < 0)
        {
            names.Add(before + entry);
            return HostList.ParseHost(names[^1], out _) is not null && !entry.Contains(':') && names.Count <= Maximum;
        }

        int close = entry.IndexOf(']', open);
        if (close < 0)
        {
            return false;
        }

        foreach (string range in entry[(open + 1)..close].Split(','))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !IsNumber(ends[0], out int first) || !IsNumber(ends[^1], out int last) || last < first)
            {
                return false;
            }

            for (int number = first; number <= last; number++)
            {
                string digits = number.ToString(CultureInfo.InvariantCulture).PadLeft(ends[0].Length, '0');
                if (!Expand(before + entry[..open] + digits, entry[(close + 1)..], names))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static IEnumerable<string> SplitOutsideBrackets(string text)
    {
        int start = 0;
        bool inside = false;
        for (int i = 0; i < text.Length; i++)
        {
            inside = text[i] == '[' || (inside && text[i] != ']');
            if (text[i] == ',' && !inside)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }

        yield return text[start..];
    }

    private static bool IsNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
