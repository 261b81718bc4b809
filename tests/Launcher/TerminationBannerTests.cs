using System.Text;
using CsCheck;

namespace OpenEmbedding.Launcher.Tests;

public sealed class TerminationBannerTests
{
    private const string Killed = """
        step 10

        ===================================================================================
        =   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
        =   PID 8653 RUNNING AT node-1.example.org
        =   EXIT CODE: 9
        =   CLEANING UP REMAINING PROCESSES
        =   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES
        ===================================================================================
        YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Segmentation fault (signal 11)
        This typically refers to a problem with your application.

        """;

    [Fact]
    public void FindsHostAndSignalHoweverTheOutputIsCut()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Killed);
        Gen.Int[1, bytes.Length].Sample(piece =>
        {
            var banner = new TerminationBanner();
            foreach (byte[] part in bytes.Chunk(piece))
            {
                banner.Observe(part);
            }

            Assert.Equal("node-1.example.org", banner.Host);
            Assert.Equal(11, banner.Signal);
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("epoch 1 step 10 (signal 9)\n")]
    [InlineData("=   EXIT CODE: 3\nYOUR APPLICATION TERMINATED WITH THE EXIT STRING: Exited (code 3)\n")]
    public void FindsNoSignalWhereThereIsNone(string output)
    {
        var banner = new TerminationBanner();
        banner.Observe(Encoding.UTF8.GetBytes(output));

        Assert.Null(banner.Signal);
    }

    [Fact]
    public void ALongLineOfARankIsNotKept()
    {
        var banner = new TerminationBanner();
        banner.Observe(Encoding.UTF8.GetBytes(new string('x', 100_000)));
        banner.Observe(Encoding.UTF8.GetBytes("\n" + Killed));

        Assert.Equal(11, banner.Signal);
    }
}
