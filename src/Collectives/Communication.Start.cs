using System.Diagnostics.CodeAnalysis;
using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <content>How a process joins its job and how it leaves it in a hurry.</content>
public sealed partial class Communication
{
    // How long MPI may take to end the job before the process ends by itself.
    private static readonly TimeSpan _abortPatience = TimeSpan.FromSeconds(2);

    private static int _started;
    private static int _aborting;

    private SignalHandlers? _signals;

    /// <summary>Joins the job that <c>mpirun</c> started, or makes one of this process alone when it was started by itself.</summary>
    /// <param name="options">Settings; they can be changed by <see cref="Configure"/> once known.</param>
    /// <exception cref="InvalidOperationException">This process has joined its job before; it can do so once.</exception>
    /// <exception cref="OpenEmbeddingException">
    /// The process was started by another MPI's launcher, or MPI cannot start; exit code <see cref="JobExitCode.Cluster"/>.
    /// </exception>
    public static unsafe Communication Start(CommunicationOptions? options = null)
    {
        options ??= new CommunicationOptions();
        if (!Launch.IsUnderMpi())
        {
            return new Communication(options, null).WithSignals();
        }

        if (Interlocked.Exchange(ref _started, 1) == 1)
        {
            throw new InvalidOperationException("a process joins its job once; keep the Communication that Start returned");
        }

        int provided;
        MpiException.Check(
            NativeMethods.MPI_Init_thread(0, 0, Handle.ThreadMultiple, &provided), "MPI_Init_thread", -1, 0);
        if (provided < Handle.ThreadSerialized)
        {
            throw new OpenEmbeddingException(
                "this MPI lets only one thread use it; one built with MPI_THREAD_SERIALIZED or MPI_THREAD_MULTIPLE is needed",
                JobExitCode.Cluster);
        }

        var world = new Intracommunicator(Handle.CommWorld);
        Launch.CheckSize(world.Size);
        return new Communication(options, world).WithSignals();
    }

    /// <summary>Runs the body of a process and ends the whole job when it fails.</summary>
    /// <remarks>
    /// An error prints one line with this process's rank and ends every rank with the error's exit code; so does a result other than 0,
    /// without a line.
    /// </remarks>
    /// <param name="body">What the process does; its result is the exit code.</param>
    /// <param name="options">Settings of the communication.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(Func<Communication, int> body, CommunicationOptions? options = null)
    {
        Communication? communication = null;
        try
        {
            communication = Start(options);
            var exitCode = body(communication);
            if (exitCode != JobExitCode.Success)
            {
                communication.Abort(exitCode);
            }

            communication.Dispose();
            return exitCode;
        }
        catch (Exception e)
        {
            var exitCode = (e as OpenEmbeddingException)?.ExitCode ?? JobExitCode.Failure;
            Console.Error.WriteLine($"rank {communication?.Rank ?? Launch.Rank}: {DescribeForPeople(e)}");
            communication?.Abort(exitCode);
            return exitCode;
        }
    }

    /// <summary>Ends every rank of the job with the exit code, also those that are stuck; does not return.</summary>
    /// <param name="exitCode">The exit code of the job, one of <see cref="JobExitCode"/>.</param>
    [DoesNotReturn]
    public void Abort(int exitCode)
    {
        if (Interlocked.Exchange(ref _aborting, 1) == 1)
        {
            // Another thread of this process is ending the job. An exit before it has told the launcher the code would lose that:
            // the launcher takes it for a crash and kills this process, whose code is then that of the signal.
            Thread.Sleep(Timeout.Infinite);
        }

        // MPI or the console may be held by a thread that is stuck: then the process ends alone and the launcher ends the others.
        new Thread(() => EndAfterPatience(exitCode)) { IsBackground = true }.Start();
        StandardStreams.Drain();
        if (_world != null)
        {
            _ = NativeMethods.MPI_Abort(Handle.CommWorld, exitCode);
        }

        Environment.Exit(exitCode);
    }

    private static void EndAfterPatience(int exitCode)
    {
        Thread.Sleep(_abortPatience);
        NativeMethods.Exit(exitCode);
    }

    private static string DescribeForPeople(Exception e) => e is OpenEmbeddingException ? e.Message : e.ToString();

    private Communication WithSignals()
    {
        if (Options.HandleSignals)
        {
            _signals = new SignalHandlers(() => Abort(JobExitCode.Interrupted));
        }

        return this;
    }
}
