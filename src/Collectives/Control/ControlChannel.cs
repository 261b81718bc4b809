namespace OpenEmbedding.Collectives;

/// <summary>Messages between the engines of the ranks, beside the operations; for the thread that drives.</summary>
internal sealed class ControlChannel
{
    private const int Channel = 0;

    private readonly MpiMessenger _messenger;
    private readonly Dictionary<ControlKind, Action<int, ControlMessage>> _handlers = [];

    internal ControlChannel(MpiMessenger messenger)
    {
        _messenger = messenger;
        messenger.Handle(Channel, message =>
        {
            var control = ControlMessage.Read(message);
            _handlers[control.Kind](message.Source, control);
        });
    }

    internal int Rank => _messenger.Rank;

    internal void Handle(ControlKind kind, Action<int, ControlMessage> handler) => _handlers[kind] = handler;

    internal void Send(int rank, ControlMessage message) => _messenger.SendInternal(rank, Channel, message.Write());

    /// <summary>Sends to all members of a process set but this rank.</summary>
    internal void SendToOthers(Lane lane, ControlMessage message)
    {
        foreach (var rank in lane.Ranks)
        {
            if (rank != Rank)
            {
                Send(rank, message);
            }
        }
    }
}
