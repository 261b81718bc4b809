namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Jobs that go wrong on purpose.</summary>
internal static class Situations
{
    /// <summary>The last rank comes to the all-reduce only when somebody writes into the named pipe.</summary>
    internal static void ComeLate(Communication communication, string fifo)
    {
        if (communication.Rank == communication.Size - 1)
        {
            _ = File.ReadAllText(fifo);
        }

        Span<float> gradients = [1, 2, 3];
        communication.World.AllReduce(gradients, name: "gradients");
        Console.WriteLine($"rank {communication.Rank} has {gradients[2]}");
    }

    /// <summary>All ranks wait for what never comes; the last in a message's inbox, the others in an all-reduce.</summary>
    internal static void Stick(Communication communication)
    {
        communication.World.Barrier();
        Console.WriteLine($"rank {communication.Rank} waits");
        if (communication.Rank == communication.Size - 1)
        {
            communication.Messenger.OpenInbox(0).Receive().Dispose();
        }

        Span<int> data = [1];
        communication.World.AllReduce(data);
    }

    /// <summary>Rank 1 fails while the others wait for it.</summary>
    internal static void Fail(Communication communication)
    {
        if (communication.Rank == 1)
        {
            throw new OpenEmbeddingException("file rows.tsv, line 7: no label", JobExitCode.Data);
        }

        communication.World.Barrier();
    }

    /// <summary>The last rank ends the job with a code of its own while the others wait for it.</summary>
    internal static void LeaveWithCode(Communication communication)
    {
        if (communication.Rank == communication.Size - 1)
        {
            communication.Abort(JobExitCode.Cluster);
        }

        communication.World.Barrier();
    }
}
