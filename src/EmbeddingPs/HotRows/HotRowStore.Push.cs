using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <content>Gradients.</content>
public sealed unsafe partial class HotRowStore
{
    /// <inheritdoc/>
    public void Push(long step, IReadOnlyList<GradientBlock> blocks)
    {
        Check(step, blocks);
        lock (_gate)
        {
            FinishUpdate();

            // A trainer without a pull for this step has not chosen yet, and the sums of all must be laid out alike.
            ChooseFor(step);
            var cold = new List<GradientBlock>(blocks.Count);
            for (int i = 0; i < blocks.Count; i++)
            {
                AddReplicated(blocks[i]);
                var ticket = (HotPullTicket)blocks[i].Ticket;
                if (ticket.Cold is { } coldTicket)
                {
                    cold.Add(new GradientBlock(coldTicket, ticket.Pull.ColdGradients(blocks[i].Gradients, Shapes)));
                }
            }

            _sums.Begin(_exchange);
            Count(_exchange.Trainers > 1 ? _sums.Bytes : 0, _sums.Bytes);
            _servers.Push(step, cold);
            if (_schedule.Counts(step))
            {
                _countedSteps++;
            }

            _pushedSteps++;
            if (_schedule.LastChoice(_pushedSteps) == _pushedSteps)
            {
                BeginChoice();
            }

            Monitor.PulseAll(_gate);
        }
    }

    private void Check(long step, IReadOnlyList<GradientBlock> blocks)
    {
        lock (_gate)
        {
            if (step != _pushedSteps)
            {
                throw new ArgumentOutOfRangeException(nameof(step), step, $"Steps are pushed one after the other; {_pushedSteps} is next.");
            }
        }

        StoreChecks.Check(blocks, step);
        for (int i = 0; i < blocks.Count; i++)
        {
            if (blocks[i].Ticket is not HotPullTicket ticket || !ticket.IsOf(this))
            {
                throw new ArgumentException($"Ticket {i} is of another store.", nameof(blocks));
            }

            ticket.Wait();
            CheckGradients(i, ticket.Pull, blocks[i].Gradients);
        }
    }

    private static void CheckGradients(int index, SplitPull pull, nint[][] gradients)
    {
        bool fits = gradients.Length == pull.Sections;
        for (int section = 0; fits && section < pull.Sections; section++)
        {
            fits = gradients[section].Length == pull.Tables(section).Length
                && (pull.KeyCount(section) == 0 || Array.TrueForAll(gradients[section], address => address != 0));
        }

        if (!fits)
        {
            throw new ArgumentException($"Ticket {index} needs one array of gradients for each table of its {pull.Sections} sections.", nameof(gradients));
        }
    }

    private void AddReplicated(in GradientBlock block)
    {
        var pull = ((HotPullTicket)block.Ticket).Pull;
        for (int section = 0; section < pull.Sections; section++)
        {
            int[] tables = pull.Tables(section);
            for (int i = 0; i < tables.Length; i++)
            {
                var part = pull.Find(section, i, out _);
                if (!part.Slots.IsEmpty)
                {
                    _replicas[tables[i]]!.Add(part.Slots, part.HotPlaces, block.Gradients[section][i]);
                    _use[tables[i]].Pushes++;
                    _use[tables[i]].KeysPushed += part.Slots.Length;
                }
            }
        }
    }

    /// <summary>Updates the replicas with the gradients of the step pushed last.</summary>
    private void FinishUpdate()
    {
        if (_appliedSteps < _pushedSteps)
        {
            _exchange.Wait();
            _sums.Apply(_stepsBefore + _pushedSteps);
            _appliedSteps = _pushedSteps;
        }
    }

    private void Count(long pulledBytes, long pushedBytes)
    {
        _pulledBytes += pulledBytes;
        _pushedBytes += pushedBytes;
    }
}
