using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>A signal that asks the job to end; while training saves checkpoints, the first one ends it behind a last checkpoint.</summary>
/// <remarks>
/// Thread-safe. A batch system that ends a job sends SIGTERM to the ranks and to their launcher, which passes it on: within
/// <see cref="EchoTime"/> of the first one a rank takes further ones for echoes.
/// </remarks>
/// <param name="clock">Tells what is an echo.</param>
internal sealed class Interruption(TimeProvider clock)
{
    /// <summary>How long an echo of SIGTERM may take.</summary>
    public static readonly TimeSpan EchoTime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private volatile string? _signal;
    private volatile bool _deferred;
    private bool _settled;
    private long _came;

    /// <summary>Whether a first signal waits for a checkpoint instead of ending the job at once.</summary>
    public bool Deferred
    {
        get => _deferred;
        set => _deferred = value;
    }

    /// <summary>The signal that came, null before.</summary>
    public string? Signal => _signal;

    /// <summary>
    /// Says that the job is over and has its exit code, which SIGTERM does not change any more: <c>srun --kill-on-bad-exit</c> sends it to the ranks
    /// that leave a moment later than the first one.
    /// </summary>
    public void Settle()
    {
        lock (_gate)
        {
            _settled = true;
        }
    }

    /// <summary>Notes a signal.</summary>
    /// <returns>Whether the job goes on: to a checkpoint, or to the end that is near; else it ends at once.</returns>
    public bool Note(PosixSignal signal)
    {
        lock (_gate)
        {
            if (_settled && signal == PosixSignal.SIGTERM)
            {
                return true;
            }

            bool first = _signal is null;
            if (first)
            {
                _signal = signal.ToString();
                _came = clock.GetTimestamp();
            }

            bool echo = signal == PosixSignal.SIGTERM && clock.GetElapsedTime(_came) < EchoTime;
            return _deferred && (first || echo);
        }
    }
}
