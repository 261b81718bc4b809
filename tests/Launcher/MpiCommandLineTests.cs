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
