using System.Runtime.Versioning;
using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Supervision;

namespace OpenEmbedding.Launcher.Tests.Supervision;

[SupportedOSPlatform("linux")]
public sealed class HostDiscoveryTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("oe-discovery-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void ReadsHostsWithAndWithoutSlots() => Assert.Equal("a:4,b:2", Find("echo a:4; echo; echo '  b '").ToString());

    [Fact]
    public void ThereMayBeNone() => Assert.Empty(Find("true").Hosts);

    [Theory]
    [InlineData("exit 3", "ended with exit code 3")]
    [InlineData("echo a; echo b:x", "prints in line 2: the slots of a host are a whole number from 1 to 65536; this is 'x'")]
    public void SaysWhatIsWrong(string script, string message)
    {
        var wrong = Assert.Throws<OpenEmbeddingException>(() => Find(script));

        Assert.Equal($"--host-discovery-script {_folder}/script {message}", wrong.Message);
        Assert.Equal(JobExitCode.Cluster, wrong.ExitCode);
    }

    private HostList Find(string text)
    {
        string path = Path.Combine(_folder.FullName, "script");
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        return new HostDiscovery(path, slots: 2).Find();
    }
}
