using System.Collections.Concurrent;

namespace OpenEmbedding.Collectives;

/// <summary>Messages over MPI: a channel is a tag, and a message goes out and comes in while somebody drives the engine.</summary>
internal sealed class MpiMessenger : IMessenger, IPolled
{
    // A driver without open inboxes looks for internal messages only now and then, which keeps short collectives short.
    private const int PollsBetweenInternal = 4;
    private const int MaxMessagesPerPoll = 64;

    private readonly LongMessages? _messages;
    private readonly HostBells _bells;
    private readonly Inbox[] _inboxes = new Inbox[IMessenger.Channels];
    private readonly Action<MessageBuffer>?[] _handlers = new Action<MessageBuffer>?[IMessenger.Channels];
    private readonly ConcurrentQueue<(int Destination, int Tag, MessageBuffer Message)> _outgoing = new();
    private readonly List<Outgoing> _sending = [];
    private readonly List<Incoming> _receiving = [];
    private Engine? _engine;
    private volatile int _openInboxes;
    private int _polls;

    /// <summary>Makes the messenger of a rank; without <paramref name="messages"/> it is alone.</summary>
    internal MpiMessenger(int rank, int size, LongMessages? messages, HostBells bells)
    {
        _bells = bells;
        Rank = rank;
        Size = size;
        _messages = messages;
    }

    public int Rank { get; }

    public int Size { get; }

    public bool HasWork => _openInboxes > 0 || IsMoving;

    /// <summary>Whether a message is on its way out or in.</summary>
    internal bool IsMoving => !_outgoing.IsEmpty || _sending.Count > 0 || _receiving.Count > 0;

    /// <summary>Ties the inboxes to the way their readers wait: the engine, or without MPI a monitor each.</summary>
    internal void Attach(Engine? engine)
    {
        _engine = engine;
        for (var channel = 0; channel < _inboxes.Length; channel++)
        {
            _inboxes[channel] = engine == null ? new Inbox(new MonitorWaiting()) : new Inbox(engine) { OpenChanged = OnOpenChanged };
        }
    }

    /// <summary>Takes what is to be watched.</summary>
    internal Action<Func<TimeSpan, MessageWait?>>? Watching { get; set; }

    public void Watch(Func<TimeSpan, MessageWait?> find) => Watching?.Invoke(find);

    /// <summary>Takes the messages of an internal channel as they arrive, on the thread that drives.</summary>
    internal void Handle(int channel, Action<MessageBuffer> handler) => _handlers[channel] = handler;

    public void Send(int destination, int channel, MessageBuffer message)
    {
        CheckIndex(channel, IMessenger.Channels, nameof(channel));
        CheckIndex(destination, Size, nameof(destination));
        if (destination == Rank)
        {
            message.Source = Rank;
            _inboxes[channel].Put(message);
            return;
        }

        _outgoing.Enqueue((destination, channel, message));
        _engine!.Kick();
    }

    /// <summary>Sends on an internal channel to another rank; the thread that drives takes it in its next round.</summary>
    internal void SendInternal(int destination, int channel, MessageBuffer message) =>
        _outgoing.Enqueue((destination, channel | Tags.Internal, message));

    public Inbox OpenInbox(int channel)
    {
        CheckIndex(channel, IMessenger.Channels, nameof(channel));
        _inboxes[channel].Open();
        return _inboxes[channel];
    }

    public bool Poll()
    {
        if (_messages == null)
        {
            return false;
        }

        var progress = false;
        while (_outgoing.TryDequeue(out var item))
        {
            _sending.Add(_messages.Send(item.Destination, item.Tag, item.Message));
            _bells.Ring(item.Destination);
            progress = true;
        }

        if (_sending.Count > 0)
        {
            progress |= FinishSends();
        }

        if (_openInboxes > 0 || ++_polls % PollsBetweenInternal == 0)
        {
            StartReceives(_messages);
        }

        return progress | (_receiving.Count > 0 && FinishReceives());
    }

    private bool FinishSends()
    {
        var before = _sending.Count;
        for (var i = before - 1; i >= 0; i--)
        {
            if (_sending[i].Requests.Test())
            {
                _sending[i].Dispose();
                _sending.RemoveAt(i);
            }
        }

        return _sending.Count < before;
    }

    private void StartReceives(LongMessages messages)
    {
        for (var i = 0; i < MaxMessagesPerPoll && messages.TryReceive() is { } incoming; i++)
        {
            _receiving.Add(incoming);
        }
    }

    private bool FinishReceives()
    {
        var before = _receiving.Count;
        for (var i = 0; i < _receiving.Count; i++)
        {
            _receiving[i].Advance();

            // A short message may be complete before a long one that was sent first on the same channel: it waits its turn.
            if (_receiving[i].IsComplete && !HasEarlier(i))
            {
                var incoming = _receiving[i];
                _receiving.RemoveAt(i--);
                Deliver(incoming);
            }
        }

        return _receiving.Count < before;
    }

    private bool HasEarlier(int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (_receiving[i].Source == _receiving[index].Source && _receiving[i].Channel == _receiving[index].Channel)
            {
                return true;
            }
        }

        return false;
    }

    private void Deliver(Incoming incoming)
    {
        var message = incoming.Message;
        message.Source = incoming.Source;
        if (incoming.Channel < IMessenger.Channels)
        {
            _inboxes[incoming.Channel].Put(message);
            return;
        }

        using (message)
        {
            _handlers[incoming.Channel - IMessenger.Channels]?.Invoke(message);
        }
    }

    private void OnOpenChanged(int change)
    {
        Interlocked.Add(ref _openInboxes, change);
        _engine!.Kick();
    }

    private static void CheckIndex(int value, int limit, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(value, limit, name);
    }
}
