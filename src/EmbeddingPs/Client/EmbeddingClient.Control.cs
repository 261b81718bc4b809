using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Requests outside the steps.</content>
public sealed unsafe partial class EmbeddingClient
{
    /// <inheritdoc/>
    public void CreateTables(IReadOnlyList<TableOptions> tables)
    {
        if (_shapes is not null)
        {
            throw new InvalidOperationException("The tables are already created.");
        }

        var shapes = new TableShapes(tables, _wire);
        var definition = new JobDefinition
        {
            Tables = [.. tables],
            Staleness = _staleness,
            Trainers = [.. _layout.Trainers],
            Servers = [.. _layout.Servers],
            Wire = _wire,
        };
        Ask(MessageKind.CreateTables, MessageKind.Done, ControlMessage.Serialize(definition)).Dispose();
        _shapes = shapes;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableStatistics> GetStatistics()
    {
        int tables = Shapes.Count;
        using var replies = Ask(MessageKind.GetStatistics, MessageKind.Statistics);
        var ofServers = new TableStatistics[Shards][];
        for (int server = 0; server < Shards; server++)
        {
            ofServers[server] = ControlMessage.Read<TableStatistics[]>(replies.Reply(server));
            if (ofServers[server].Length != tables)
            {
                Envelope.Throw(replies.Reply(server), $"tells of {ofServers[server].Length} tables; there are {tables}");
            }
        }

        return [.. Enumerable.Range(0, tables).SelectMany(table => ofServers.Select(server => server[table]))];
    }

    /// <inheritdoc/>
    public void ReadTable(int table, Action<long[], byte[]> chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(table);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(table, Shapes.Count);
        for (int server = 0; server < Shards; server++)
        {
            long cursor = 0;
            while (cursor >= 0)
            {
                var replies = new ReplySet(Shards);
                Expect(replies, MessageKind.StoredRows, 1);
                SendControl(server, MessageKind.Scan, replies.Id, ControlMessage.Serialize(new ScanRequest { Table = table, Cursor = cursor }));
                WaitFor(replies);
                using (replies)
                {
                    var rows = ControlMessage.Read<StoredRows>(replies.Reply(server));
                    CheckRows(replies.Reply(server), rows, table, cursor);
                    cursor = rows.Next;
                    if (rows.Keys.Length > 0)
                    {
                        chunk(rows.Keys, rows.Weights);
                    }
                }
            }
        }
    }

    private void CheckRows(MessageBuffer message, StoredRows rows, int table, long cursor)
    {
        if (rows.Weights.LongLength != (long)rows.Keys.Length * Shapes.RowBytes(table) || (rows.Next >= 0 && rows.Next <= cursor))
        {
            Envelope.Throw(message, $"has {rows.Keys.Length} keys and {rows.Weights.Length} bytes of weights of table {Shapes.Tables[table].Name}");
        }
    }

    /// <summary>
    /// Lets the servers serve one more model, for which a store of its own is made then; every trainer asks its store of the first model, which leaves
    /// after the others.
    /// </summary>
    /// <param name="model">One more than the last.</param>
    public void OpenModel(int model) =>
        Ask(MessageKind.OpenModel, MessageKind.Done, ControlMessage.Serialize(new OpenModelBody { Model = model })).Dispose();

    /// <summary>Asks all servers and waits for their answers; the caller disposes them.</summary>
    private ReplySet Ask(MessageKind kind, MessageKind answer, ReadOnlySpan<byte> body = default)
    {
        var replies = new ReplySet(Shards);
        Expect(replies, answer, Shards);
        for (int server = 0; server < Shards; server++)
        {
            SendControl(server, kind, replies.Id, body);
        }

        WaitFor(replies);
        return replies;
    }

    private void SendControl(int server, MessageKind kind, long ticket, ReadOnlySpan<byte> body)
    {
        var header = new MessageHeader { Kind = kind, Step = _nextPush, Ticket = ticket, Trainer = _trainer };
        _messenger.Send(_layout.Servers[server], Protocol.Protocol.RequestChannel(_model), ControlMessage.Create(header, body));
    }
}
