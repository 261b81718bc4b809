using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Output;

namespace OpenEmbedding.Launcher.Tests;

public sealed class MpiCommandLineTests
{
    [Fact]
    public void NamesRanksOnly()
    {
        var options = new LaunchOptions { Ranks = 8, Command = ["prog", "a b"] };

        Assert.Equal(["/usr/bin/mpirun.mpich", "-np", "8", "prog", "a b"], MpiCommandLine.Build("/usr/bin/mpirun.mpich", options));
    }

    [Fact]
    public void NamesHostsAndVariables()
    {
        var options = new LaunchOptions
        {
            Ranks = 3,
            Hosts = HostList.Parse("a:2,b"),
            Environment = [new("X", "1"), new("Y", "")],
            Command = ["prog"],
        };

        Assert.Equal(["mpirun", "-np", "3", "-hosts", "a:2,b:1", "-genv", "X", "1", "-genv", "Y", "", "prog"], MpiCommandLine.Build("mpirun", options));
    }

    [Fact]
    public void NamesAllThatHydraIsTold()
    {
        var options = new LaunchOptions
        {
            Ranks = 2,
            Hosts = HostList.Parse("a,b"),
            RemoteStart = new RemoteStartOptions { SshPort = 2222, SshIdentityFile = "/k", LauncherProgram = "/opt/rsh" },
            Network = new NetworkOptions { Interfaces = ["eth1", "eth2"], TcpOnly = true },
            Hydra = new HydraOptions { Binding = ["-bind-to", "core"], Arguments = ["-print-all-exitcodes"] },
            Environment = [new("UCX_TLS", "tcp,sm,self")],
            Command = ["prog"],
        };

        Assert.Equal(
            "env 'HYDRA_LAUNCHER_EXTRA_ARGS=-p 2222 -i /k' mpirun -launcher ssh -launcher-exec /opt/rsh -np 2 -hosts a:1,b:1 -iface eth1 -bind-to core "
            + "-print-all-exitcodes -prepend-pattern @word:%r@ -genv UCX_TLS tcp,sm,self -genv NCCL_IB_DISABLE 1 -genv UCX_NET_DEVICES eth1,eth2 "
            + "-genv NCCL_SOCKET_IFNAME eth1,eth2 prog",
            MpiCommandLine.Quote(MpiCommandLine.Build("mpirun", options, new RankMarker("word"))));
    }

    [Fact]
    public void HydraFindsTheHostsOfAnAllocationItself()
    {
        var options = new LaunchOptions { Ranks = 2, Hosts = HostList.Parse("a,b"), HostsAreAllocated = true, Command = ["prog"] };

        Assert.Equal(["mpirun", "-np", "2", "prog"], MpiCommandLine.Build("mpirun", options));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("--key=a/b:c,d", "--key=a/b:c,d")]
    [InlineData("", "''")]
    [InlineData("a b", "'a b'")]
    [InlineData("$HOME", "'$HOME'")]
    [InlineData("it's", @"'it'\''s'")]
    [InlineData("~", "'~'")]
    public void QuotesForTheShell(string word, string quoted)
    {
        Assert.Equal($"x {quoted}", MpiCommandLine.Quote(["x", word]));
    }
}
