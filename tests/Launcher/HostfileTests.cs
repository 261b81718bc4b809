using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Tests;

public sealed class HostfileTests
{
    [Fact]
    public void ReadsBothFormsCommentsAndBlankLines()
    {
        HostList hosts = Hostfile.Parse("hosts.txt", ["# the first rack", "", "node1 slots=4  # two sockets", "\tnode2:3", "node3", "node1:1#", "   "]);

        Assert.Equal("node1:5,node2:3,node3:1", hosts.ToString());
    }

    [Theory]
    [InlineData("node1 slots=0", "the slots of a host are a whole number from 1 to 65536; this is '0'")]
    [InlineData("node1 slots=", "the slots of a host are a whole number from 1 to 65536; this is ''")]
    [InlineData("node1 slot=4", "a line is 'host slots=4' or 'host:4', with nothing behind it; this is 'node1 slot=4'")]
    [InlineData("node1 slots=4 max_slots=8", "a line is 'host slots=4' or 'host:4', with nothing behind it; this is 'node1 slots=4 max_slots=8'")]
    [InlineData("node1:4 slots=4", "a line is 'host slots=4' or 'host:4', with nothing behind it; this is 'node1:4 slots=4'")]
    [InlineData("node1 4", "a line is 'host slots=4' or 'host:4', with nothing behind it; this is 'node1 4'")]
    [InlineData("node1:x", "the slots of a host are a whole number from 1 to 65536; this is 'x'")]
    [InlineData("node1,node2", "a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is 'node1,node2'")]
    public void NamesFileAndLine(string line, string wrong)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Hostfile.Parse("etc/hosts.txt", ["node0:2", "# fine so far", line]));

        Assert.Equal($"etc/hosts.txt:3: {wrong}", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void RefusesAFileWithoutHosts()
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Hostfile.Parse("hosts.txt", ["# none yet", ""]));

        Assert.Equal("the host file hosts.txt names no host; a line is 'host slots=4' or 'host:4'", error.Message);
    }

    [Fact]
    public void NamesAFileThatIsMissing()
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));

        var error = Assert.Throws<OpenEmbeddingException>(() => Hostfile.Read(path));

        Assert.StartsWith($"the host file {path} cannot be read: ", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }
}
