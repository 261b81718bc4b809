using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Gradients.</content>
public sealed unsafe partial class EmbeddingClient
{
    private readonly Lock _pushGate = new();

    /// <inheritdoc/>
    public void Push(long step, IReadOnlyList<GradientBlock> blocks)
    {
        // A thread may push the next step as soon as the servers have this one, which is before this call returns.
        lock (_pushGate)
        {
            CheckPush(step, blocks);
            for (int server = 0; server < Shards; server++)
            {
                Send(server, CreatePush(step, blocks, server), ref _pushedBytes);
            }

            _nextPush++;
        }
    }

    private void CheckPush(long step, IReadOnlyList<GradientBlock> blocks)
    {
        if (step != _nextPush)
        {
            throw new ArgumentOutOfRangeException(nameof(step), step, $"Steps are pushed one after the other; {_nextPush} is next.");
        }

        ThrowIfFailed();
        StoreChecks.Check(blocks, step);
        for (int i = 0; i < blocks.Count; i++)
        {
            if (blocks[i].Ticket is not RemotePullTicket ticket || !ticket.IsOf(this))
            {
                throw new ArgumentException($"Ticket {i} is of another store.", nameof(blocks));
            }

            ticket.Wait();
            CheckGradients(i, ticket.State, blocks[i].Gradients);
        }
    }

    private static void CheckGradients(int index, PullState state, nint[][] gradients)
    {
        bool fits = gradients.Length == state.Sections;
        for (int section = 0; fits && section < state.Sections; section++)
        {
            int first = state.FirstBlock(section);
            fits = gradients[section].Length == state.FirstBlock(section + 1) - first;
            for (int table = 0; fits && table < gradients[section].Length; table++)
            {
                fits = gradients[section][table] != 0 || !state.HasKeys(first + table);
            }
        }

        if (!fits)
        {
            throw new ArgumentException($"Ticket {index} needs one array of gradients for each table of its {state.Sections} sections.", nameof(gradients));
        }
    }

    private MessageBuffer CreatePush(long step, IReadOnlyList<GradientBlock> blocks, int server)
    {
        int directoryBytes = blocks.Count * sizeof(long);
        long gradientBytes = 0;
        for (int i = 0; i < blocks.Count; i++)
        {
            gradientBytes += ((RemotePullTicket)blocks[i].Ticket).State.GradientBytes(server);
        }

        var message = Envelope.Rent(new MessageHeader
        {
            Kind = MessageKind.Push,
            Step = step,
            Ticket = -1,
            Trainer = _trainer,
            Sections = blocks.Count,
            DirectoryBytes = directoryBytes,
            BodyBytes = directoryBytes + gradientBytes,
        });
        long* tickets = (long*)Envelope.Body(message);
        byte* body = Envelope.Body(message) + directoryBytes;
        for (int i = 0; i < blocks.Count; i++)
        {
            var state = ((RemotePullTicket)blocks[i].Ticket).State;
            tickets[i] = state.Id;
            int block = 0;
            foreach (nint[] section in blocks[i].Gradients)
            {
                foreach (nint gradients in section)
                {
                    state.WriteGradients(block++, server, gradients, body);
                }
            }

            body += state.GradientBytes(server);
        }

        Envelope.Seal(message);
        return message;
    }
}
