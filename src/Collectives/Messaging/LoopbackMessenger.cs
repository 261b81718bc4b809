namespace OpenEmbedding.Collectives;

/// <summary>Several ranks inside one process, for tests: a message of one rank goes straight into another's inbox.</summary>
public sealed class LoopbackMessenger
{
    private readonly Endpoint[] _endpoints;

    /// <summary>Makes a job of ranks that share this process.</summary>
    /// <param name="size">The number of ranks, 1 or more.</param>
    /// <example><code>
    /// var job = new LoopbackMessenger(2);
    /// job[0].Send(1, channel: 3, MessageBuffer.Copy("hello"u8));
    /// using var message = job[1].OpenInbox(3).Receive();
    /// </code></example>
    public LoopbackMessenger(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        _endpoints = new Endpoint[size];
        for (var rank = 0; rank < size; rank++)
        {
            _endpoints[rank] = new Endpoint(this, rank);
        }
    }

    /// <summary>The number of ranks.</summary>
    public int Size => _endpoints.Length;

    /// <summary>The messenger of a rank.</summary>
    /// <param name="rank">A rank, 0 to <see cref="Size"/> − 1.</param>
    public IMessenger this[int rank] => _endpoints[rank];

    private sealed class Endpoint : IMessenger
    {
        private readonly LoopbackMessenger _job;
        private readonly Inbox[] _inboxes = new Inbox[IMessenger.Channels];

        internal Endpoint(LoopbackMessenger job, int rank)
        {
            _job = job;
            Rank = rank;
            for (var channel = 0; channel < _inboxes.Length; channel++)
            {
                _inboxes[channel] = new Inbox(new MonitorWaiting());
            }
        }

        public int Rank { get; }

        public int Size => _job.Size;

        public void Send(int destination, int channel, MessageBuffer message)
        {
            message.Source = Rank;
            _job._endpoints[destination]._inboxes[channel].Put(message);
        }

        public Inbox OpenInbox(int channel)
        {
            var inbox = _inboxes[channel];
            inbox.Open();
            return inbox;
        }
    }
}
