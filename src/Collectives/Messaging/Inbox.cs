using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace OpenEmbedding.Collectives;

/// <summary>The messages that arrived on one channel, oldest first; any thread may take them, and each goes to one.</summary>
public sealed class Inbox : IWaitCondition
{
    private readonly ConcurrentQueue<MessageBuffer> _messages = new();
    private readonly IWaiting _waiting;
    private int _open;
    private volatile bool _closed;
    private volatile bool _interrupted;

    internal Inbox(IWaiting waiting)
    {
        _waiting = waiting;
    }

    /// <summary>Hears +1 when the inbox is opened and −1 when it is closed.</summary>
    internal Action<int>? OpenChanged { get; init; }

    bool IWaitCondition.IsMet => _closed || _interrupted || !_messages.IsEmpty;

    /// <summary>Waits for the next message; its receiver disposes it.</summary>
    /// <exception cref="OperationCanceledException">The inbox is closed and empty.</exception>
    public MessageBuffer Receive()
    {
        while (true)
        {
            if (ReceiveUnlessInterrupted() is { } message)
            {
                return message;
            }
        }
    }

    /// <summary>As <see cref="Receive"/>, but returns null when <see cref="Interrupt"/> was called since the last such return.</summary>
    public MessageBuffer? ReceiveUnlessInterrupted()
    {
        while (!_interrupted)
        {
            if (TryReceive(out var message))
            {
                return message;
            }

            if (_closed)
            {
                throw new OperationCanceledException("the inbox is closed");
            }

            _waiting.Wait(this);
        }

        _interrupted = false;
        return null;
    }

    /// <summary>Lets the thread that waits for a message look after something else; from any thread.</summary>
    public void Interrupt()
    {
        _interrupted = true;
        _waiting.Signal();
    }

    /// <summary>Takes the next message if one has arrived; does not wait.</summary>
    /// <param name="message">The message; its receiver disposes it.</param>
    public bool TryReceive([NotNullWhen(true)] out MessageBuffer? message) => _messages.TryDequeue(out message);

    /// <summary>Ends every wait: once the messages that arrived are taken, <see cref="Receive"/> throws.</summary>
    public void Close()
    {
        _closed = true;
        if (Interlocked.Exchange(ref _open, 0) == 1)
        {
            OpenChanged?.Invoke(-1);
        }

        _waiting.Signal();
    }

    internal void Open()
    {
        _closed = false;
        if (Interlocked.Exchange(ref _open, 1) == 0)
        {
            OpenChanged?.Invoke(1);
        }
    }

    internal void Put(MessageBuffer message)
    {
        _messages.Enqueue(message);
        _waiting.Signal();
    }
}
