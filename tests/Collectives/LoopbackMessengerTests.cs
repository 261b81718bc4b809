namespace OpenEmbedding.Collectives.Tests;

public sealed class LoopbackMessengerTests
{
    [Fact]
    public void Message_goes_to_the_rank_and_channel_and_tells_its_source()
    {
        var job = new LoopbackMessenger(3);
        job[2].Send(1, 7, MessageBuffer.Copy([1, 2]));
        job[2].Send(1, 7, MessageBuffer.Copy([3]));

        using var first = job[1].OpenInbox(7).Receive();
        using var second = job[1].OpenInbox(7).Receive();
        Assert.Equal(2, first.Source);
        Assert.Equal([1, 2], first.Span.ToArray());
        Assert.Equal([3], second.Span.ToArray());
        Assert.False(job[1].OpenInbox(6).TryReceive(out _));
        Assert.False(job[0].OpenInbox(7).TryReceive(out _));
    }

    [Fact]
    public void Receive_waits_for_a_message_of_another_thread()
    {
        var job = new LoopbackMessenger(2);
        var server = new Thread(() =>
        {
            var inbox = job[1].OpenInbox(0);
            for (var i = 0; i < 1000; i++)
            {
                var message = inbox.Receive();
                job[1].Send(message.Source, 1, message);
            }
        });
        server.Start();
        var answers = job[0].OpenInbox(1);
        for (var i = 0; i < 1000; i++)
        {
            job[0].Send(1, 0, MessageBuffer.Copy([(byte)i]));
            using var answer = answers.Receive();
            Assert.Equal((byte)i, answer.Span[0]);
        }

        server.Join();
    }

    [Fact]
    public void Closed_inbox_gives_what_arrived_and_then_ends_the_wait()
    {
        var job = new LoopbackMessenger(1);
        var inbox = job[0].OpenInbox(0);
        job[0].Send(0, 0, MessageBuffer.Copy([9]));
        inbox.Close();
        inbox.Receive().Dispose();
        Assert.Throws<OperationCanceledException>(() => inbox.Receive());
    }

    [Fact]
    public void Close_ends_the_wait_of_another_thread()
    {
        var inbox = new LoopbackMessenger(1)[0].OpenInbox(0);
        Exception? ended = null;
        var waiter = new Thread(() => ended = Record.Exception(() => inbox.Receive()));
        waiter.Start();
        inbox.Close();
        waiter.Join();
        Assert.IsType<OperationCanceledException>(ended);
    }
}
