using System.Runtime.ExceptionServices;

namespace OpenEmbedding.Collectives;

/// <summary>Threads that help one other with the pieces of its work, for work of less than a millisecond, where the wait for a thread that sleeps costs as much.</summary>
/// <remarks>
/// A piece belongs to the thread that takes it first, and the one that asks takes pieces too: it waits for pieces that others have taken, and never for a
/// thread that has not come yet. Only one thread asks at a time. The helpers end when the team is disposed.
/// </remarks>
public sealed class WorkerTeam : IDisposable
{
    // In the place of the next piece: there is none to take.
    private const uint Closed = uint.MaxValue;

    private readonly Thread[] _helpers;
    private readonly SemaphoreSlim _asked = new(0);
    private readonly Lock _failureGate = new();
    private Action<int> _work = static _ => { };
    private int _pieces;
    private int _done;
    private (int Piece, ExceptionDispatchInfo Why)? _failure;

    // The next piece to take in the lower half, the number of the work in the upper one: a helper that comes late takes nothing of another work.
    private ulong _next = Closed;
    private volatile bool _ends;

    /// <summary>Starts the helpers.</summary>
    /// <param name="threads">Threads, with the one that asks, 1 or more.</param>
    /// <param name="name">What the helpers are called.</param>
    public WorkerTeam(int threads, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _helpers = [.. Enumerable.Range(1, threads - 1).Select(number => new Thread(Help) { IsBackground = true, Name = $"{name} {number}" })];
        Array.ForEach(_helpers, helper => helper.Start());
    }

    /// <summary>Threads, with the one that asks.</summary>
    public int Threads => _helpers.Length + 1;

    /// <summary>Does the work of every piece, and returns when all is done.</summary>
    /// <param name="pieces">How many there are, 0 or more.</param>
    /// <param name="work">Does one piece, by its number; pieces are taken in order.</param>
    /// <remarks>What a piece throws is thrown here once all are done; of several that fail, what the first of them throws.</remarks>
    public void Do(int pieces, Action<int> work)
    {
        int helpers = Math.Min(_helpers.Length, pieces - 1);
        if (helpers <= 0)
        {
            for (int piece = 0; piece < pieces; piece++)
            {
                work(piece);
            }

            return;
        }

        _work = work;
        _pieces = pieces;
        _done = 0;
        Volatile.Write(ref _next, NumberOf(_next + (1UL << 32)));
        _asked.Release(helpers);
        TakePieces();
        var wait = default(SpinWait);
        while (Volatile.Read(ref _done) < pieces)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }

        Volatile.Write(ref _next, NumberOf(_next) | Closed);
        if (_failure is { } failure)
        {
            _failure = null;
            failure.Why.Throw();
        }
    }

    /// <summary>Ends the helpers.</summary>
    public void Dispose()
    {
        _ends = true;
        if (_helpers.Length > 0)
        {
            _asked.Release(_helpers.Length);
        }

        Array.ForEach(_helpers, helper => helper.Join());
        _asked.Dispose();
    }

    private static ulong NumberOf(ulong next) => next & ~(ulong)uint.MaxValue;

    private void Help()
    {
        while (true)
        {
            _asked.Wait();
            if (_ends)
            {
                return;
            }

            TakePieces();
        }
    }

    private void TakePieces()
    {
        while (true)
        {
            ulong next = Volatile.Read(ref _next);
            if ((uint)next >= (uint)_pieces)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref _next, next + 1, next) != next)
            {
                continue;
            }

            // A piece is taken, so that its work stays until it is done.
            try
            {
                _work((int)(uint)next);
            }
            catch (Exception failure)
            {
                Keep((int)(uint)next, failure);
            }

            Interlocked.Increment(ref _done);
        }
    }

    private void Keep(int piece, Exception failure)
    {
        lock (_failureGate)
        {
            if (_failure is not { } other || piece < other.Piece)
            {
                _failure = (piece, ExceptionDispatchInfo.Capture(failure));
            }
        }
    }
}
