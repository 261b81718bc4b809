using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>The native boundary: what MPI refuses comes back as an exception that says all it knows, and the job can go on.</summary>
internal static unsafe class ErrorChecks
{
    internal static void Run(Communication communication)
    {
        using var world = new Intracommunicator(Handle.CommWorld);
        long value = 0;
        var data = (nint)(&value);

        Refused("MPI_Iallreduce", 1, "datatype", () => world.ImmediateAllReduce(data, 1, ElementType.Float16, ReduceOperation.Sum));
        Refused("MPI_Iallreduce", 1, "buffer", () => world.ImmediateAllReduce(0, 1, ElementType.Int64, ReduceOperation.Sum));
        Refused("MPI_Isend", 8, "rank", () => world.ImmediateSend(data, 8, communication.Size, 0));
        Refused("MPI_Isend", 8, "tag", () => world.ImmediateSend(data, 8, 0, -5));
        Refused("MPI_Irecv", -8, "count", () => world.ImmediateReceive(data, -8, 0, 0));
        Refused("MPI_Ibcast", 8, "root", () => world.ImmediateBroadcast(data, 8, communication.Size));
        Refused("MPI_Ibarrier", 0, "comm", () =>
        {
            int request;
            MpiException.Check(
                NativeMethods.MPI_Ibarrier(Handle.CommNull, &request), "MPI_Ibarrier", communication.Rank, 0);
        });
        Check.Throws<OverflowException>(() => world.ImmediateSend(data, 1L << 31, 0, 0), "a count that MPI cannot hold");

        communication.World.Barrier();

        void Refused(string operation, long count, string word, Action call)
        {
            var error = Check.Throws<MpiException>(call, operation);
            Check.Equal(operation, error.Operation, "operation of the error");
            Check.Equal(communication.Rank, error.Rank, "rank of the error");
            Check.Equal(count, error.Count, "count of the error");
            Check.Equal(JobExitCode.Failure, error.ExitCode, "exit code of the error");
            Check.Equal(true, error.Code != 0, "code of the error");
            Check.Equal(true, error.Text.Contains(word, StringComparison.OrdinalIgnoreCase), $"\"{word}\" in \"{error.Text}\"");
            Check.Equal(true, error.Message.Contains(error.Text), "MPI's text in the message");
            if (communication.Rank == 0)
            {
                Console.WriteLine(error.Message);
            }
        }
    }
}
