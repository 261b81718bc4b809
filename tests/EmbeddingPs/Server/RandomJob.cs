using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>
/// A random job: tables, sections, empty batches, prefetched pulls, tickets without a push, pushes in any order of the trainers. Every row
/// it pulls and all that is stored in the end must have the very bits of the reference.
/// </summary>
internal sealed class RandomJob : IDisposable
{
    private readonly Random _random;
    private readonly IReadOnlyList<IEmbeddingStore> _stores;
    private readonly TableOptions[] _options;
    private readonly SingleTable[] _reference;
    private readonly List<Pull>[] _begun;
    private readonly bool _pullsMakeRows;
    private readonly WireOptions _wire;
    private readonly bool _exactSums;
    private long _step;

    /// <summary>Makes a job.</summary>
    /// <param name="random">What decides everything.</param>
    /// <param name="stores">The store of each trainer.</param>
    /// <param name="options">The tables, which the stores have created.</param>
    /// <param name="pullsMakeRows">Whether a row comes into being when it is pulled; else when its gradient is pushed.</param>
    /// <param name="wire">How the stores send rows and gradients.</param>
    /// <param name="exactSums">Whether gradients are such that their sum is the same in any order.</param>
    public RandomJob(
        Random random,
        IReadOnlyList<IEmbeddingStore> stores,
        TableOptions[] options,
        bool pullsMakeRows = true,
        WireOptions? wire = null,
        bool exactSums = false)
    {
        _wire = wire ?? new WireOptions();
        _exactSums = exactSums;
        _pullsMakeRows = pullsMakeRows;
        _random = random;
        _stores = stores;
        _options = options;
        _reference = Array.ConvertAll(options, SingleTable.Create);
        _begun = [.. stores.Select(_ => new List<Pull>())];
    }

    public static TableOptions[] RandomTables(Random random) =>
    [
        .. Enumerable.Range(0, random.Next(1, 5)).Select(i => new TableOptions
        {
            Name = $"table{i}",
            Kind = random.Next(2) == 0 ? TableKind.Array : TableKind.Hash,
            Vocabulary = 60,
            Dimension = random.Next(1, 12),
            ElementType = random.Next(2) == 0 ? ElementType.Float32 : ElementType.Float64,
            Initializer = new RandomNormalOptions(),
            Optimizer = random.Next(3) switch { 0 => new SgdOptions(), 1 => new AdagradOptions(), _ => new AdamOptions() },
            L2 = random.Next(2) * 0.01,
            Seed = random.Next(),
        }),
    ];

    /// <summary>Runs steps and compares.</summary>
    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            ForEachTrainer(trainer => BeginPulls(trainer, _step));
            var pulls = Array.ConvertAll(_begun, begun => begun.ToArray());
            Array.ForEach(pulls, ofTrainer => Array.ForEach(ofTrainer, Compare));

            // What is pulled ahead does not see this step's rows change before its own answer comes.
            Array.ForEach(_begun, begun => begun.Clear());
            ForEachTrainer(trainer =>
            {
                if (_random.Next(2) == 0)
                {
                    BeginPulls(trainer, _step + 1);
                }
            });
            Push(pulls);
            _step++;
            Evaluate();
        }

        Array.ForEach(_begun, begun => begun.ForEach(pull => pull.Ticket.Dispose()));
        CompareStored();
    }

    public void Dispose() => Array.ForEach(_reference, table => table.Dispose());

    private void ForEachTrainer(Action<int> action)
    {
        int[] order = [.. Enumerable.Range(0, _stores.Count)];
        _random.Shuffle(order);
        Array.ForEach(order, trainer => action(trainer));
    }

    private void BeginPulls(int trainer, long step)
    {
        if (_begun[trainer].Count > 0)
        {
            return;
        }

        for (int tickets = _random.Next(3); tickets > 0; tickets--)
        {
            _begun[trainer].Add(BeginPull(trainer, step, PullMode.Train));
        }
    }

    private Pull BeginPull(int trainer, long step, PullMode mode)
    {
        var sections = new List<PullSection>();
        for (int i = _random.Next(4); i > 0; i--)
        {
            int first = _random.Next(_options.Length);
            var kind = _options[first].Kind;
            int[] others = [.. Enumerable.Range(0, _options.Length).Where(table => table != first && _options[table].Kind == kind && _random.Next(2) == 0)];
            long[] ids = [.. Enumerable.Range(0, _random.Next(40)).Select(_ => (long)_random.Next(60))];
            sections.Add(new PullSection(_stores[trainer].Plan(kind, ids), [first, .. others]));
        }

        return new Pull(sections, _stores[trainer].BeginPull(step, mode, sections));
    }

    private void Compare(Pull pull)
    {
        pull.Ticket.Wait();
        for (int section = 0; section < pull.Sections.Count; section++)
        {
            var (keys, tables) = pull.Sections[section];
            for (int i = 0; i < tables.Length; i++)
            {
                var reference = _reference[tables[i]];
                if (_pullsMakeRows && pull.Ticket.Mode == PullMode.Train)
                {
                    reference.Add(keys.Keys);
                }

                using var rows = new NativeArray<byte>(keys.Count * reference.RowBytes);
                pull.Ticket.CopyRows(section, i, rows.Address);
                Assert.Equal(ScalarWire.Rows(_wire.Pull, _options[tables[i]].ElementType, reference.Read(keys.Keys)), rows.Span.ToArray());
            }
        }
    }

    private void Push(Pull[][] pulls)
    {
        // Gradients are summed by the reference in the order of the trainers, and sent in another.
        var pushes = Array.ConvertAll(pulls, ofTrainer => Array.ConvertAll([.. ofTrainer.Where(_ => _random.Next(4) > 0)], AddGradients));
        ForEachTrainer(trainer => _stores[trainer].Push(_step, [.. pushes[trainer].Select(push => push.Block)]));
        Array.ForEach(_reference, table => table.Apply());
        Array.ForEach(pushes, ofTrainer => Array.ForEach(ofTrainer, push => push.Memory.ForEach(memory => memory.Dispose())));
        Array.ForEach(pulls, ofTrainer => Array.ForEach(ofTrainer, pull => pull.Ticket.Dispose()));
    }

    private (GradientBlock Block, List<NativeArray<byte>> Memory) AddGradients(Pull pull)
    {
        var memory = new List<NativeArray<byte>>();
        nint[][] addresses = new nint[pull.Sections.Count][];
        for (int section = 0; section < addresses.Length; section++)
        {
            var (keys, tables) = pull.Sections[section];
            addresses[section] = Array.ConvertAll(tables, table =>
            {
                byte[] gradients = _reference[table].RandomGradients(_random, keys.Count, _exactSums);
                _reference[table].Sum(keys.Keys, ScalarWire.Gradients(_wire.Push, _options[table].ElementType, gradients));
                memory.Add(new NativeArray<byte>(gradients));
                return memory[^1].Address;
            });
        }

        return (new GradientBlock(pull.Ticket, addresses), memory);
    }

    private void Evaluate()
    {
        var pull = BeginPull(_random.Next(_stores.Count), _step, PullMode.Evaluate);
        Compare(pull);
        pull.Ticket.Dispose();
    }

    private void CompareStored()
    {
        for (int table = 0; table < _options.Length; table++)
        {
            var stored = new SortedDictionary<long, byte[]>();
            int rowBytes = _reference[table].RowBytes;
            _stores[_random.Next(_stores.Count)].ReadTable(table, (keys, weights) =>
            {
                for (int i = 0; i < keys.Length; i++)
                {
                    stored.Add(keys[i], weights.AsSpan(i * rowBytes, rowBytes).ToArray());
                }
            });

            // Pulls ahead of the last step may have made rows that the reference does not know.
            var expected = _reference[table].Stored();
            Assert.Empty(expected.Keys.Except(stored.Keys));
            foreach (var (key, weights) in stored)
            {
                Assert.Equal(_reference[table].Read([key]), weights);
            }
        }
    }

    private sealed record Pull(List<PullSection> Sections, PullTicket Ticket);
}
