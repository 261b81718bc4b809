namespace OpenEmbedding.Collectives;

/// <summary>A message that is being received.</summary>
internal sealed class Incoming(LongMessages messages, MessageBuffer message, int source, int tag)
{
    private bool _announced = (tag & Tags.Announcement) != 0;

    internal MessageBuffer Message { get; private set; } = message;

    internal int Source { get; } = source;

    internal int Channel { get; } = Tags.ChannelOf(tag);

    internal RequestSet Requests { get; } = new();

    internal bool IsComplete { get; private set; }

    /// <summary>Makes progress; <see cref="IsComplete"/> tells when the whole message is here.</summary>
    internal void Advance()
    {
        while (!IsComplete && Requests.Test())
        {
            if (!_announced)
            {
                IsComplete = true;
                return;
            }

            _announced = false;
            var length = Message.As<long>()[0];
            Message.Dispose();
            Message = MessageBuffer.Rent(length);
            messages.ReceivePieces(this);
        }
    }
}
