using CsCheck;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Tests;

public sealed class HostListTests
{
    [Theory]
    [InlineData("node1:4,node2:4", "node1:4,node2:4", 8)]
    [InlineData("node1", "node1:1", 1)]
    [InlineData(" node1:2 , 10.0.0.7 ", "node1:2,10.0.0.7:1", 3)]
    [InlineData("a:1,b:2,a:3", "a:4,b:2", 6)]
    [InlineData("my-node_1.example.org:65536", "my-node_1.example.org:65536", 65536)]
    public void ReadsHostsAndSlots(string text, string expected, long slots)
    {
        HostList hosts = HostList.Parse(text);

        Assert.Equal(expected, hosts.ToString());
        Assert.Equal(slots, hosts.Slots);
    }

    [Theory]
    [InlineData("", "-H : a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is ''")]
    [InlineData("a:2,,b:2", "-H a:2,,b:2: a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is ''")]
    [InlineData("a b:2", "-H a b:2: a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is 'a b:2'")]
    [InlineData("-oProxyCommand", "-H -oProxyCommand: a host is a name or an IPv4 address (letters, digits, '.', '-', '_'), as in node1:4; this is '-oProxyCommand'")]
    [InlineData("a:", "-H a:: the slots of a host are a whole number from 1 to 65536; this is ''")]
    [InlineData("a:0", "-H a:0: the slots of a host are a whole number from 1 to 65536; this is '0'")]
    [InlineData("a:-1", "-H a:-1: the slots of a host are a whole number from 1 to 65536; this is '-1'")]
    [InlineData("a:65537", "-H a:65537: the slots of a host are a whole number from 1 to 65536; this is '65537'")]
    [InlineData("a:1:2", "-H a:1:2: the slots of a host are a whole number from 1 to 65536; this is '1:2'")]
    [InlineData("a:four", "-H a:four: the slots of a host are a whole number from 1 to 65536; this is 'four'")]
    public void NamesWhatIsWrong(string text, string message)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => HostList.Parse(text));

        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void ReadsWhatItWrites()
    {
        Gen<string> name = Gen.String[Gen.Char["abcXYZ019._"], 1, 8];
        Gen.Select(name, Gen.Int[1, HostList.MaximumSlots / 6], (host, slots) => new Host(host, slots)).Array[1, 6].Sample(hosts =>
        {
            HostList list = HostList.Of(hosts);
            Assert.Equal(list.Hosts, HostList.Parse(list.ToString()).Hosts);
        });
    }
}
