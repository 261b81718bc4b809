using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Devices;

/// <summary>The libtorch of an installed PyTorch in the place of one that comes with the program.</summary>
/// <remarks>
/// Loaded by their paths ahead of TorchSharp's own library, the files are what the linker takes for the names that it needs; they find CUDA's
/// libraries, which PyTorch's packages bring, from their own places.
/// </remarks>
internal static class TorchLibrary
{
    /// <summary>The environment variable with the folder, <c>…/torch/lib</c>.</summary>
    public const string Variable = "OE_LIBTORCH";

    /// <summary>The element of a build's name, <c>TorchBackend</c>, that leaves libtorch to the variable.</summary>
    private const string Build = "a build with TorchBackend=system";

    private static readonly string[] _needed = ["libc10.so", "libtorch_cpu.so"];
    private static readonly string[] _ofCuda = ["libc10_cuda.so", "libtorch_cuda.so"];
    private const string Last = "libtorch.so";

    /// <summary>Loads the library that the environment names, if it does; before anything of TorchSharp is used.</summary>
    /// <returns>Whether it did.</returns>
    /// <exception cref="OpenEmbeddingException">The folder has no libtorch or it does not load, or the program has one of its own.</exception>
    public static bool LoadInstalled()
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        bool hasOwn = OwnLibraries().Any(File.Exists);
        if (string.IsNullOrEmpty(folder))
        {
            if (!hasOwn && !NativeLibrary.TryLoad(_needed[^1], typeof(TorchSharp.torch).Assembly, null, out _))
            {
                throw new OpenEmbeddingException(
                    $"this is {Build} and brings no libtorch; set {Variable} to the folder torch/lib of an installed PyTorch", JobExitCode.Configuration);
            }

            return false;
        }

        if (hasOwn)
        {
            throw new OpenEmbeddingException(
                $"{Variable} is set, but this program brings its own libtorch; unset it, or take {Build}", JobExitCode.Configuration);
        }

        bool hasCuda = _ofCuda.All(name => File.Exists(Path.Combine(folder, name)));
        foreach (string name in (string[])[.. _needed, .. hasCuda ? _ofCuda : [], Last])
        {
            Load(Path.Combine(folder, name));
        }

        return true;
    }

    private static IEnumerable<string> OwnLibraries() =>
        ((string[])["", "runtimes/linux-x64/native"]).Select(place => Path.Combine(AppContext.BaseDirectory, place, _needed[^1]));

    private static void Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new OpenEmbeddingException(
                $"{Variable}: {path} is missing; it is to be the folder torch/lib of an installed PyTorch", JobExitCode.Configuration);
        }

        try
        {
            NativeLibrary.Load(path);
        }
        catch (DllNotFoundException failure)
        {
            throw new OpenEmbeddingException(
                $"{Variable}: {path} does not load: {failure.Message.ReplaceLineEndings(" ")}", JobExitCode.Configuration, failure);
        }
    }
}
