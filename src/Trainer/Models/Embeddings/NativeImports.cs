using System.Runtime.InteropServices;
using System.Text;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>The functions that a loaded native library imports from others, and the slots through which it calls them.</summary>
/// <remarks>Linux, 64 bits. Source: System V ABI, chapter 5, "Global Offset Table" and "Relocation".</remarks>
internal sealed unsafe partial class NativeImports
{
    private const uint Relocations = 4;
    private const int RelocationBytes = 24;
    private const int SymbolBytes = 24;
    private const int JumpSlot = 7;
    private readonly nint _library;
    private readonly nint _base;
    private readonly string _path;
    private readonly byte[] _file;

    /// <summary>Opens a library that TorchSharp has loaded, by its name and one function that it exports.</summary>
    public NativeImports(string library, string export)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new OpenEmbeddingException("embedding layers of one's own modules need an x64 processor", JobExitCode.Failure);
        }

        _library = NativeLibrary.Load(library, typeof(TorchSharp.torch).Assembly, null);
        ModuleInfo info;
        if (FindModule(NativeLibrary.GetExport(_library, export), &info) == 0)
        {
            throw new OpenEmbeddingException($"{library}: the loader does not know where it is", JobExitCode.Failure);
        }

        _base = info.Base;
        _path = Marshal.PtrToStringUTF8(info.Path)!;
        _file = File.ReadAllBytes(_path);
    }

    /// <summary>Makes the library call another function, made from the imported one, in its place.</summary>
    /// <exception cref="OpenEmbeddingException">The library does not import it, or this is another processor.</exception>
    public void Redirect(string import, Func<nint, nint> replace)
    {
        nint slot = _base + SlotOf(import);

        // The loader keeps these slots writable, because it fills each at the first call.
        Volatile.Write(ref *(nint*)slot, replace(NativeLibrary.GetExport(_library, import)));
    }

    [LibraryImport("libc.so.6", EntryPoint = "dladdr")]
    private static partial int FindModule(nint address, ModuleInfo* info);

    private nint SlotOf(string import)
    {
        byte[] name = Encoding.ASCII.GetBytes(import + "\0");
        for (int i = 0; i < BitConverter.ToUInt16(_file, 0x3c); i++)
        {
            Section relocations = SectionAt(i);
            if (relocations.Type != Relocations)
            {
                continue;
            }

            Section symbols = SectionAt(relocations.Link);
            Section strings = SectionAt(symbols.Link);
            for (int entry = relocations.Offset; entry < relocations.Offset + relocations.Length; entry += RelocationBytes)
            {
                int symbol = symbols.Offset + (BitConverter.ToInt32(_file, entry + 12) * SymbolBytes);
                if (BitConverter.ToInt32(_file, entry + 8) == JumpSlot
                    && _file.AsSpan(strings.Offset + BitConverter.ToInt32(_file, symbol)).StartsWith(name))
                {
                    return (nint)BitConverter.ToInt64(_file, entry);
                }
            }
        }

        throw new OpenEmbeddingException(
            $"{_path} does not import {import}: embedding layers of one's own modules need TorchSharp 0.107 on Linux x64", JobExitCode.Failure);
    }

    private Section SectionAt(int index)
    {
        int header = (int)BitConverter.ToInt64(_file, 0x28) + (index * BitConverter.ToUInt16(_file, 0x3a));
        return new Section(
            BitConverter.ToUInt32(_file, header + 0x04),
            (int)BitConverter.ToInt64(_file, header + 0x18),
            (int)BitConverter.ToInt64(_file, header + 0x20),
            BitConverter.ToInt32(_file, header + 0x28));
    }

    private readonly record struct Section(uint Type, int Offset, int Length, int Link);

    /// <summary>The C library's <c>Dl_info</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ModuleInfo
    {
        public nint Path;
        public nint Base;
        public nint SymbolName;
        public nint SymbolAddress;
    }
}
