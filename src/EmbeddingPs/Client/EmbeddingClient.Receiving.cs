using System.Diagnostics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Answers: whoever waits first receives for all, and hands that over when its own answers are there.</content>
public sealed unsafe partial class EmbeddingClient
{
    private readonly object _gate = new();
    private readonly List<ReplySet> _open = [];
    private OpenEmbeddingException? _failure;
    private bool _receiving;

    /// <summary>Whether the answers are there; takes those that have arrived.</summary>
    internal bool IsComplete(ReplySet replies)
    {
        if (replies.IsComplete)
        {
            return true;
        }

        lock (_gate)
        {
            if (!_receiving)
            {
                DeliverArrived();
            }

            return replies.IsComplete || _failure is not null;
        }
    }

    /// <summary>Waits until all answers are there.</summary>
    internal void WaitFor(ReplySet replies)
    {
        while (!replies.IsComplete)
        {
            lock (_gate)
            {
                while (_receiving && !replies.IsComplete && _failure is null)
                {
                    Monitor.Wait(_gate);
                }

                if (replies.IsComplete)
                {
                    return;
                }

                ThrowIfFailed();
                _receiving = true;
            }

            ReceiveOne();
        }
    }

    private void ReceiveOne()
    {
        MessageBuffer? message = null;
        try
        {
            message = _inbox.Receive();
        }
        finally
        {
            lock (_gate)
            {
                _receiving = false;
                if (message is not null)
                {
                    Deliver(message);
                    DeliverArrived();
                }

                Monitor.PulseAll(_gate);
            }
        }
    }

    private void DeliverArrived()
    {
        while (_failure is null && _inbox.TryReceive(out var message))
        {
            Deliver(message);
        }
    }

    // What is wrong here concerns every thread that waits, so it is kept for all of them.
    private void Deliver(MessageBuffer message)
    {
        try
        {
            Route(message);
        }
        catch (OpenEmbeddingException e)
        {
            message.Dispose();
            _failure = e;
        }
    }

    private void Route(MessageBuffer message)
    {
        ref readonly var header = ref Envelope.Open(message);
        int server = _layout.ShardOf(message.Source);
        if (server < 0 || header.Trainer != _trainer)
        {
            Envelope.Throw(message, $"is no answer of a server to trainer {_trainer}");
        }

        if (header.Kind == MessageKind.Failure)
        {
            throw new PeerFailureException(System.Text.Encoding.UTF8.GetString(Envelope.Directory(message)), message.Source, header.Code);
        }

        int place = IndexOfOpen(header.Ticket);
        if (place < 0)
        {
            Envelope.Throw(message, $"of kind {header.Kind} answers request {header.Ticket}, which is not open");
        }

        var replies = _open[place];
        long bytes = message.Length;
        replies.Deliver(server, message);
        if (replies is PullState)
        {
            Interlocked.Add(ref _pulledBytes, bytes);
        }

        if (replies.IsComplete)
        {
            _open.RemoveAt(place);
            if (replies is PullState state)
            {
                Timeline.Mark("pull", state.BegunAt);
                if (state.IsAbandoned)
                {
                    Recycle(state);
                }
            }
        }
    }

    private int IndexOfOpen(long id)
    {
        for (int i = 0; i < _open.Count; i++)
        {
            if (_open[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    private MessageWait? FindWait(TimeSpan longerThan)
    {
        // The thread that drives must not wait for one that holds the lock, which may wait for it.
        if (!Monitor.TryEnter(_gate))
        {
            return null;
        }

        try
        {
            // A save lasts as long as it lasts; rows are what training waits for.
            ReplySet? oldest = _open.Find(replies => replies is PullState) ?? (_open.Count > 0 ? _open[0] : null);
            return oldest is null || Stopwatch.GetElapsedTime(oldest.BegunAt) <= longerThan ? null : oldest.AsWait(_layout.Servers, _messenger.Rank);
        }
        finally
        {
            Monitor.Exit(_gate);
        }
    }

    private void Expect(ReplySet replies, MessageKind kind, int count)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            replies.Begin(_nextTicket++, kind, count);
            _open.Add(replies);
        }
    }

    private void Recycle(PullState state)
    {
        state.Dispose();
        _freeStates.Push(state);
    }

    private void ThrowIfFailed()
    {
        if (_failure is PeerFailureException peer)
        {
            throw new PeerFailureException(peer.Message, peer.PeerRank, peer.ExitCode);
        }

        if (_failure is not null)
        {
            throw new OpenEmbeddingException(_failure.Message, _failure.ExitCode, _failure);
        }
    }
}
