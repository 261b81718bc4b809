using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Copies libLibTorchSharp.so, its one import that older C++ libraries lack rewritten to an equivalent one that all of them have.</summary>
/// <remarks>
/// The symbol's name is overwritten in <c>.dynstr</c>, and the version that it needs in <c>.gnu.version_r</c> becomes the older one. A library
/// without the import is copied as it is; one in which more than this import would change is refused.
/// Source of the format: System V ABI, chapter 5; Linux Standard Base, "Symbol Versioning".
/// </remarks>
public sealed class RewriteTorchImport : Task
{
    private const string NewImport = "_ZSt21ios_base_library_initv";
    private const string OldImport = "_ZNSt8ios_base4InitC1Ev";
    private const string NewVersion = "GLIBCXX_3.4.32";
    private const string OldVersion = "GLIBCXX_3.4";
    private const uint DynamicSymbols = 11;
    private const uint SymbolVersions = 0x6fffffff;
    private const uint NeededVersions = 0x6ffffffe;
    private const int SymbolBytes = 24;

    /// <summary>The package's library; only read.</summary>
    [Required]
    public string Source { get; set; }

    /// <summary>Where the rewritten library appears as a whole.</summary>
    [Required]
    public string Destination { get; set; }

    public override bool Execute()
    {
        try
        {
            byte[] file = File.ReadAllBytes(Source);
            bool rewritten = Rewrite(file);
            Replace(file);
            Log.LogMessage(MessageImportance.Normal, rewritten ? "Rewrote {0} in {1}." : "No {0} in {1}.", NewImport, Source);
        }
        catch (InvalidDataException problem)
        {
            Log.LogError("{0}: {1} This version of TorchSharp needs another rewrite of its import {2}.", Source, problem.Message, NewImport);
        }
        catch (Exception problem) when (problem is ArgumentException || problem is IndexOutOfRangeException || problem is OverflowException)
        {
            Log.LogError("{0} is a damaged ELF file: {1}", Source, problem.Message);
        }

        return !Log.HasLoggedErrors;
    }

    private static bool Rewrite(byte[] file)
    {
        if (file.Length < 64 || file[0] != 0x7f || file[1] != 'E' || file[2] != 'L' || file[3] != 'F' || file[4] != 2 || file[5] != 1)
        {
            throw new InvalidDataException("Not an ELF file of 64 bits, little endian.");
        }

        Section symbols = FindSection(file, DynamicSymbols);
        Section strings = SectionAt(file, symbols.Link);
        Section versions = FindSection(file, SymbolVersions);
        int import = -1;
        var names = new List<int>();
        for (int i = 0; i < symbols.Length / SymbolBytes; i++)
        {
            names.Add(BitConverter.ToInt32(file, symbols.Offset + (i * SymbolBytes)));
            if (StringAt(file, strings.Offset + names[i]) == NewImport)
            {
                import = i;
            }
        }

        if (import < 0)
        {
            return false;
        }

        ushort version = VersionOf(file, versions, import);
        for (int i = 0; i < names.Count; i++)
        {
            if (i != import && (VersionOf(file, versions, i) == version || (names[i] >= names[import] && names[i] <= names[import] + NewImport.Length)))
            {
                throw new InvalidDataException(StringAt(file, strings.Offset + names[i]) + " shares the import's name or version.");
            }
        }

        RenameVersion(file, FindSection(file, NeededVersions), strings, version);
        byte[] name = new byte[NewImport.Length];
        Encoding.ASCII.GetBytes(OldImport, 0, OldImport.Length, name, 0);
        name.CopyTo(file, strings.Offset + names[import]);
        return true;
    }

    /// <summary>Gives the needed version with an index the name and hash of the older version, which the library must need too.</summary>
    private static void RenameVersion(byte[] file, Section needed, Section strings, ushort index)
    {
        int wanted = -1;
        int old = -1;
        for (int need = needed.Offset, step = -1; step != 0; need += step)
        {
            int auxiliary = need + BitConverter.ToInt32(file, need + 8);
            for (int left = BitConverter.ToUInt16(file, need + 2); left > 0; left--)
            {
                string name = StringAt(file, strings.Offset + BitConverter.ToInt32(file, auxiliary + 8));
                wanted = name == NewVersion && BitConverter.ToUInt16(file, auxiliary + 6) == index ? auxiliary : wanted;
                old = name == OldVersion ? auxiliary : old;
                auxiliary += BitConverter.ToInt32(file, auxiliary + 12);
            }

            step = BitConverter.ToInt32(file, need + 12);
        }

        if (wanted < 0 || old < 0)
        {
            throw new InvalidDataException("The import is not of version " + NewVersion + ", or nothing is of version " + OldVersion + ".");
        }

        Array.Copy(file, old, file, wanted, 4);
        Array.Copy(file, old + 8, file, wanted + 8, 4);
    }

    private static ushort VersionOf(byte[] file, Section versions, int symbol) =>
        BitConverter.ToUInt16(file, versions.Offset + (symbol * sizeof(ushort)));

    private static string StringAt(byte[] file, int offset) =>
        Encoding.ASCII.GetString(file, offset, Array.IndexOf(file, (byte)0, offset) - offset);

    private static Section FindSection(byte[] file, uint type)
    {
        for (int i = 0; i < BitConverter.ToUInt16(file, 0x3c); i++)
        {
            Section section = SectionAt(file, i);
            if (section.Type == type)
            {
                return section;
            }
        }

        throw new InvalidDataException("No section of type 0x" + type.ToString("x") + ".");
    }

    private static Section SectionAt(byte[] file, int index)
    {
        int header = checked((int)BitConverter.ToInt64(file, 0x28)) + (index * BitConverter.ToUInt16(file, 0x3a));
        return new Section
        {
            Type = BitConverter.ToUInt32(file, header + 0x04),
            Offset = checked((int)BitConverter.ToInt64(file, header + 0x18)),
            Length = checked((int)BitConverter.ToInt64(file, header + 0x20)),
            Link = BitConverter.ToInt32(file, header + 0x28),
        };
    }

    /// <summary>Writes beside the destination and renames, so that neither a hard link nor a running program sees the file change.</summary>
    private void Replace(byte[] file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Destination));
        string temporary = Destination + ".new";
        File.WriteAllBytes(temporary, file);
        File.Delete(Destination);
        File.Move(temporary, Destination);
    }

    private struct Section
    {
        public uint Type;
        public int Offset;
        public int Length;
        public int Link;
    }
}
