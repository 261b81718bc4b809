namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Several threads of every rank at once: two with collectives on sets of their own, one that serves and one that asks.</summary>
internal static class ThreadChecks
{
    private const int Rounds = 300;

    internal static void Run(Communication communication)
    {
        var first = communication.CreateProcessSet([.. Enumerable.Range(0, communication.Size)]);
        var second = communication.CreateProcessSet([.. Enumerable.Range(0, communication.Size).Reverse()]);
        var failures = new List<Exception>();
        var server = communication.Messenger.OpenInbox(1);
        var client = communication.Messenger.OpenInbox(2);
        Thread[] threads =
        [
            Start(() => Reduce(first)),
            Start(() => Reduce(second)),
            Start(() =>
            {
                for (var i = 0; i < Rounds * communication.Size; i++)
                {
                    var message = server.Receive();
                    communication.Messenger.Send(message.Source, 2, message);
                }
            }),
            Start(() =>
            {
                for (var i = 0; i < Rounds; i++)
                {
                    for (var rank = 0; rank < communication.Size; rank++)
                    {
                        communication.Messenger.Send(rank, 1, MessageBuffer.Copy([(byte)i]));
                    }

                    for (var rank = 0; rank < communication.Size; rank++)
                    {
                        using var message = client.Receive();
                        Check.Equal((byte)i, message.Span[0], "echo");
                    }
                }
            }),
        ];
        foreach (var thread in threads)
        {
            thread.Join();
        }

        if (failures.Count > 0)
        {
            throw failures[0];
        }

        Thread Start(Action action)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    lock (failures)
                    {
                        failures.Add(e);
                    }
                }
            });
            thread.Start();
            return thread;
        }
    }

    private static void Reduce(ProcessSet set)
    {
        for (var i = 0; i < Rounds; i++)
        {
            var data = Enumerable.Repeat(i + set.Rank, 1 + (i % 50 * 100)).ToArray();
            set.AllReduce<int>(data);
            Check.Equal((i * set.Size) + (set.Size * (set.Size - 1) / 2), data[^1], "all-reduce beside other threads");
        }
    }
}
