using System.Runtime.InteropServices;
using System.Text;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Devices;

/// <summary>The functions that a loaded native library calls through slots which the loader fills, its own exported ones among them.</summary>
/// <remarks>Linux on x64. Source: System V ABI, chapter 5, "Dynamic Section", "Global Offset Table" and "Relocation"; glibc's link.h.</remarks>
internal sealed unsafe partial class NativeImports
{
    private const int LinkMap = 2;
    private const int JumpSlot = 7;
    private readonly nint _library;
    private readonly LoadedLibrary* _loaded;
    private readonly byte* _names;
    private readonly Symbol* _symbols;
    private readonly Relocation* _calls;
    private readonly int _count;

    /// <summary>Opens a library that TorchSharp has loaded or can load, by its name.</summary>
    /// <exception cref="OpenEmbeddingException">The loader does not know the library.</exception>
    public NativeImports(string library)
    {
        _library = NativeLibrary.Load(library, typeof(TorchSharp.torch).Assembly, null);
        LoadedLibrary* loaded;
        if (Inform(_library, LinkMap, &loaded) != 0)
        {
            throw new OpenEmbeddingException($"{library}: the loader does not know where it is", JobExitCode.Failure);
        }

        _loaded = loaded;
        for (DynamicEntry* entry = loaded->Dynamic; entry->Tag != DynamicTag.End; entry++)
        {
            switch (entry->Tag)
            {
                case DynamicTag.Calls:
                    _calls = (Relocation*)entry->Value;
                    break;
                case DynamicTag.BytesOfCalls:
                    _count = (int)(entry->Value / sizeof(Relocation));
                    break;
                case DynamicTag.Symbols:
                    _symbols = (Symbol*)entry->Value;
                    break;
                case DynamicTag.Names:
                    _names = (byte*)entry->Value;
                    break;
            }
        }
    }

    /// <summary>Where the library lies.</summary>
    public string Path => Marshal.PtrToStringUTF8(_loaded->Path)!;

    /// <summary>Makes the library call another function, made from the one that it calls, in its place.</summary>
    /// <returns>Whether the library calls such a function.</returns>
    public bool TryRedirect(string function, Func<nint, nint> replace)
    {
        if (SlotOf(function) is not { } slot)
        {
            return false;
        }

        // The loader keeps these slots writable, because it fills each at the first call.
        Volatile.Write(ref *(nint*)slot, replace(NativeLibrary.GetExport(_library, function)));
        return true;
    }

    [LibraryImport("libc.so.6", EntryPoint = "dlinfo")]
    private static partial int Inform(nint library, int request, LoadedLibrary** result);

    private nint? SlotOf(string function)
    {
        byte[] name = Encoding.ASCII.GetBytes(function);
        for (int i = 0; i < _count; i++)
        {
            Relocation call = _calls[i];
            if (call.Type == JumpSlot && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_names + _symbols[call.Symbol].Name).SequenceEqual(name))
            {
                return _loaded->Base + call.Offset;
            }
        }

        return null;
    }

    private enum DynamicTag : long
    {
        End = 0,
        BytesOfCalls = 2,
        Names = 5,
        Symbols = 6,
        Calls = 23,
    }

    /// <summary>The head of the loader's <c>link_map</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LoadedLibrary
    {
        public nint Base;
        public nint Path;
        public DynamicEntry* Dynamic;
    }

    /// <summary><c>Elf64_Dyn</c>; the loader has made addresses of its values.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DynamicEntry
    {
        public DynamicTag Tag;
        public nint Value;
    }

    /// <summary><c>Elf64_Sym</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct Symbol
    {
        public uint Name;
    }

    /// <summary><c>Elf64_Rela</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Relocation
    {
        public nint Offset;
        public int Type;
        public int Symbol;
        public long Addend;
    }
}
