namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Messages: every pair, every length, in order, from several threads, to oneself.</summary>
internal static class MessageChecks
{
    private const int Channel = 5;
    private static readonly int[] _lengths = [0, 1, 63, 64, 65, 1000, 100_000, 3, 2_000_001, 8];

    internal static void Run(Communication communication)
    {
        EveryPair(communication);
        Closed(communication);
        communication.World.Barrier();
    }

    private static void EveryPair(Communication communication)
    {
        var messenger = communication.Messenger;
        var inbox = messenger.OpenInbox(Channel);
        var echoes = messenger.OpenInbox(Channel + 1);
        var expected = messenger.Size * _lengths.Length;

        // One thread answers while another sends and this one takes the answers.
        var server = new Thread(() =>
        {
            for (var i = 0; i < expected; i++)
            {
                var message = inbox.Receive();
                messenger.Send(message.Source, Channel + 1, message);
            }
        });
        var sender = new Thread(() =>
        {
            for (var i = 0; i < _lengths.Length; i++)
            {
                for (var rank = 0; rank < messenger.Size; rank++)
                {
                    var message = MessageBuffer.Rent(_lengths[i]);
                    message.Span.Fill((byte)(messenger.Rank + i));
                    messenger.Send(rank, Channel, message);
                }
            }
        });
        server.Start();
        sender.Start();

        var next = new int[messenger.Size];
        for (var i = 0; i < expected; i++)
        {
            using var message = echoes.Receive();
            var index = next[message.Source]++;
            Check.Equal(_lengths[index], message.Length, $"length of message {index} from rank {message.Source}");
            Check.Equal(-1, message.Span.IndexOfAnyExcept((byte)(messenger.Rank + index)), "content of the message");
        }

        server.Join();
        sender.Join();
    }

    private static void Closed(Communication communication)
    {
        var inbox = communication.Messenger.OpenInbox(15);
        var waiter = new Thread(() => Check.Throws<OperationCanceledException>(() => inbox.Receive(), "receive from a closed inbox"));
        waiter.Start();
        inbox.Close();
        waiter.Join();
        Check.Throws<ArgumentOutOfRangeException>(
            () => communication.Messenger.Send(communication.Size, 0, MessageBuffer.Rent(1)), "a rank beyond the last");
        Check.Throws<ArgumentOutOfRangeException>(
            () => communication.Messenger.Send(0, 16, MessageBuffer.Rent(1)), "a channel beyond the last");
    }
}
