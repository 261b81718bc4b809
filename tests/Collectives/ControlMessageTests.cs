namespace OpenEmbedding.Collectives.Tests;

public sealed class ControlMessageTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        var message = new ControlMessage(
            ControlKind.Reduce, 3, 1L << 40, -1, ElementType.BFloat16, ReduceOperation.Max, [0, 1L << 33, 7]);
        using var buffer = message.Write();
        var read = ControlMessage.Read(buffer);
        Assert.Equal(message with { Rounds = null }, read with { Rounds = null });
        Assert.Equal(message.Rounds, read.Rounds);
    }
}
