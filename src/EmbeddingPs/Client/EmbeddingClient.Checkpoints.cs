using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Checkpoints: the first trainer asks the servers.</content>
public sealed unsafe partial class EmbeddingClient
{
    /// <inheritdoc/>
    public PendingSave BeginSave(SaveRequest request)
    {
        if (_trainer != 0)
        {
            return new FinishedSave([], []);
        }

        var tables = Shapes.Tables;
        var replies = new ReplySet(Shards);
        Expect(replies, MessageKind.Saved, Shards);
        for (int server = 0; server < Shards; server++)
        {
            SendControl(server, MessageKind.Save, replies.Id, ControlMessage.Serialize(request));
        }

        return new RemoteSave(this, replies, tables);
    }

    /// <inheritdoc/>
    public void Load(LoadRequest request)
    {
        if (_trainer == 0)
        {
            request.Source.Check(Shapes.Tables);
            Ask(MessageKind.Load, MessageKind.Done, ControlMessage.Serialize(new LoadBody { Manifest = request.Source.ManifestPath })).Dispose();
        }
    }

    private sealed class RemoteSave(EmbeddingClient client, ReplySet replies, IReadOnlyList<Tables.TableOptions> tables) : PendingSave
    {
        public override bool IsCompleted => client.IsComplete(replies);

        public override SaveResult Wait()
        {
            client.WaitFor(replies);
            var saved = Enumerable.Range(0, client.Shards).Select(server => ControlMessage.Read<SavedSegments>(replies.Reply(server))).ToArray();
            replies.Dispose();
            return ResultOf(tables, saved);
        }
    }
}
