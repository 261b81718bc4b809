using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Tests;

public sealed class ServeCommandLineTests
{
    [Theory]
    [InlineData("--model is missing; it is NAME=FOLDER, such as --model criteo=tmp/criteo")]
    [InlineData("--model \"criteo\" is not NAME=FOLDER, with a name without slash, colon and space", "--model", "criteo")]
    [InlineData("--model \"a:b=/tmp\" is not NAME=FOLDER, with a name without slash, colon and space", "--model", "a:b=/tmp")]
    [InlineData("--model a: there is no folder /none; it has a folder for each version, such as /none/1", "--model", "a=/none")]
    [InlineData("--model \"a\" is given twice", "--model", "a=/tmp", "--model", "a=/tmp")]
    [InlineData("--rest-port \"65536\" is not an integer from 0 to 65535", "--model", "a=/tmp", "--rest-port", "65536")]
    [InlineData("--address \"here\" is not an IP address such as 127.0.0.1, or 0.0.0.0 for all of this machine's", "--model", "a=/tmp", "--address", "here")]
    [InlineData("--grpc-port \"off\" is not an integer from 0 to 65535", "--model", "a=/tmp", "--grpc-port", "off")]
    [InlineData("--batch-timeout-us \"1.5\" is not an integer from 0 to 10000000", "--model", "a=/tmp", "--batch-timeout-us", "1.5")]
    [InlineData("--timeout-seconds \"0\" is not an integer from 1 to 3600", "--model", "a=/tmp", "--timeout-seconds", "0")]
    [InlineData("--api-key-file /dev/null is not one line of ASCII letters, digits and signs", "--model", "a=/tmp", "--api-key-file", "/dev/null")]
    [InlineData("unknown argument \"--port\"; oe-serve --help lists all", "--model", "a=/tmp", "--port", "1")]
    public void Wrong_arguments_are_one_line(string message, params string[] arguments)
    {
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => new ServeCommandLine().Parse(arguments));

        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void Listens_on_this_machine_alone_unless_told()
    {
        ServeOptions options = new ServeCommandLine().Parse(["--model", "a=/tmp"])!;

        Assert.Equal("127.0.0.1:8501", $"{options.Address}:{options.RestPort}");
        Assert.Equal([new ModelFolder("a", "/tmp")], options.Models);
        Assert.Null(new ServeCommandLine().Parse(["--help"]));
    }
}
