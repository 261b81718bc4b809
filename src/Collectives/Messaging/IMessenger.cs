namespace OpenEmbedding.Collectives;

/// <summary>Messages from rank to rank on numbered channels; two messages of one sender on one channel arrive in the order sent.</summary>
/// <remarks>Every member may be called from any thread.</remarks>
public interface IMessenger
{
    /// <summary>The number of channels; channels are 0 to this less one.</summary>
    const int Channels = 16;

    /// <summary>This process's rank in the job.</summary>
    int Rank { get; }

    /// <summary>The number of ranks in the job.</summary>
    int Size { get; }

    /// <summary>
    /// Sends a message and takes ownership of it: it goes back to the pool once sent, or, sent to oneself, moves into the own inbox.
    /// </summary>
    /// <param name="destination">A rank, 0 to <see cref="Size"/> − 1.</param>
    /// <param name="channel">A channel, 0 to 15.</param>
    /// <param name="message">The message; not to be touched afterwards.</param>
    void Send(int destination, int channel, MessageBuffer message);

    /// <summary>The inbox of a channel; messages that arrived before it was opened are in it.</summary>
    /// <param name="channel">A channel, 0 to 15.</param>
    Inbox OpenInbox(int channel);

    /// <summary>Lets long waits for messages be told of, and end the job, as those of collective operations are; by default they are not.</summary>
    /// <param name="find">Tells a wait that is not over and longer than a time, null without one; called often, from any thread.</param>
    void Watch(Func<TimeSpan, MessageWait?> find)
    {
    }
}
