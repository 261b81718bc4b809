using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Checkpoints: the first trainer asks the servers.</content>
public sealed unsafe partial class EmbeddingClient
{
    /// <summary>Whether this is the trainer that asks for all.</summary>
    internal bool IsFirst => _trainer == 0;

    /// <inheritdoc/>
    public PendingSave BeginSave(SaveRequest request)
    {
        if (!IsFirst)
        {
            return new FinishedSave(request, [], []);
        }

        var tables = Shapes.Tables;
        var replies = new ReplySet(Shards);
        Expect(replies, MessageKind.Saved, Shards);
        for (int server = 0; server < Shards; server++)
        {
            SendControl(server, MessageKind.Save, replies.Id, ControlMessage.Serialize(request));
        }

        return new RemoteSave(this, request, replies, tables);
    }

    /// <inheritdoc/>
    public string? Load(LoadRequest request)
    {
        if (!IsFirst)
        {
            return null;
        }

        var body = new LoadBody { Manifest = request.Checkpoint.Source.ManifestPath, Slots = request.Slots, Step = request.Step };
        using var replies = Ask(MessageKind.Load, MessageKind.Loaded, ControlMessage.Serialize(body));
        return Enumerable.Range(0, Shards)
            .Select(server => ControlMessage.Read<LoadResult>(replies.Reply(server)).Damage)
            .FirstOrDefault(damage => damage is not null);
    }

    private sealed class RemoteSave(EmbeddingClient client, SaveRequest request, ReplySet replies, IReadOnlyList<Tables.TableOptions> tables) : PendingSave
    {
        public override bool IsCompleted => client.IsComplete(replies);

        public override SaveResult Wait()
        {
            client.WaitFor(replies);
            var saved = Enumerable.Range(0, client.Shards).Select(server => ControlMessage.Read<SavedSegments>(replies.Reply(server))).ToArray();
            replies.Dispose();
            return ResultOf(request, tables, saved);
        }
    }
}
