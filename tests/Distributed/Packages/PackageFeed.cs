using System.Diagnostics;
using System.IO.Compression;
using System.Text.RegularExpressions;
using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Packages;

/// <summary>The packages of this checkout in a folder, and programs that take them from there.</summary>
public sealed class PackageFeed : IDisposable
{
    // A version of its own, so that no package of another run is taken.
    private readonly string _version = $"0.0.1-test{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-packages-").FullName;

    public PackageFeed()
    {
        foreach (string project in (string[])["Collectives", "EmbeddingPs", "Trainer"])
        {
            // Not into the folders of the checkout, whose builds other tests run.
            DotNet(
                OeTrain.Root, "pack", $"src/{project}", "--configuration", "Release", $"-p:Version={_version}", "--output", _folder,
                "--artifacts-path", Path.Combine(_folder, "artifacts"));
        }
    }

    /// <summary>The names of the files in a package.</summary>
    public IEnumerable<string> FilesOf(string package, string extension)
    {
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(_folder, $"{package}.{_version}.{extension}"));
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    /// <summary>Builds the program in the first C# block of a page, in an empty project with one package.</summary>
    /// <returns>The program.</returns>
    public string Build(string package, string page)
    {
        string project = Directory.CreateDirectory(Path.Combine(_folder, "programs", package)).FullName;
        string text = File.ReadAllText(Path.Combine(OeTrain.Root, page));
        File.WriteAllText(Path.Combine(project, "Program.cs"), Regex.Match(text, "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value);
        File.WriteAllText(Path.Combine(project, "Mine.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="{package}" Version="{_version}" />
              </ItemGroup>
            </Project>
            """);

        // What the machine has of other packages is taken from there; these go nowhere else.
        string known = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        DotNet(
            project, "build", "--configuration", "Release", $"-p:RestoreAdditionalProjectSources={_folder}", $"-p:RestorePackagesPath={_folder}/restored",
            $"-p:RestoreFallbackFolders={known}");
        return Path.Combine(project, "bin/Release/net10.0/Mine.dll");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void DotNet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(OeTrain.Limit), $"dotnet {arguments[0]} does not end");
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{output}{errors.Result}");
    }
}
