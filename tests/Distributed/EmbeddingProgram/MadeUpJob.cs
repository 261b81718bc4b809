using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.TestProgram;

/// <summary>
/// A job whose ids and gradients follow from step and trainer, so that every rank can also do the work of all in tables of its own. Its own
/// rows must always be those, to the bit; where sums are made in another order, nearly.
/// </summary>
internal sealed unsafe class MadeUpJob : IDisposable
{
    private const int Ids = 20_000;
    private const int Vocabulary = 30_000;
    private const int Dimension = 9;

    private readonly IEmbeddingStore _store;
    private readonly ProcessSet _trainers;
    private readonly TableOptions[] _options;
    private readonly EmbeddingTable[] _tables;
    private readonly GradientAccumulator[] _sums;
    private readonly float _tolerance;
    private readonly nint _rows = Allocate();
    private readonly nint _expected = Allocate();
    private readonly nint[] _gradients;

    public MadeUpJob(IEmbeddingStore store, ProcessSet trainers, bool onlyArrays, bool different)
    {
        _store = store;
        _trainers = trainers;
        _tolerance = onlyArrays ? 1e-5f : 0;
        TableOptions array = new()
        {
            Name = "array",
            Vocabulary = Vocabulary,
            Dimension = different && trainers.Rank == 1 ? Dimension + 1 : Dimension,
            Optimizer = new AdagradOptions { LearningRate = 0.1 },
            Initializer = new RandomNormalOptions(),
            L2 = 0.001,
        };
        _options = [array, array with { Name = "second", Kind = onlyArrays ? TableKind.Array : TableKind.Hash }];
        _store.CreateTables(_options);
        _tables = Array.ConvertAll(_options, options => EmbeddingTable.Create(options, 0, 1));
        _sums = Array.ConvertAll(_tables, table => new GradientAccumulator(table));
        _gradients = [.. Enumerable.Range(0, trainers.Size).Select(_ => Allocate())];
    }

    public void Run(int steps)
    {
        var tickets = new Queue<(KeyBatch[] Keys, PullTicket Ticket)>();
        tickets.Enqueue(Begin(0, PullMode.Train));
        for (int step = 0; step < steps; step++)
        {
            // The next pull is under way while this step runs.
            tickets.Enqueue(Begin(step + 1, PullMode.Train));
            var (keys, ticket) = tickets.Dequeue();
            Compare(step, keys, ticket);
            Push(step, keys, ticket);
            ticket.Dispose();
            Follow(step);
        }

        tickets.Dequeue().Ticket.Dispose();
        var (evaluated, evaluation) = Begin(steps, PullMode.Evaluate);
        Compare(steps, evaluated, evaluation);
        evaluation.Dispose();
        CompareStored();
    }

    public void Dispose()
    {
        Array.ForEach(_sums, sum => sum.Dispose());
        Array.ForEach(_tables, table => table.Dispose());
        Array.ForEach([_rows, _expected, .. _gradients], memory => NativeMemory.Free((void*)memory));
    }

    private static nint Allocate() => (nint)NativeMemory.AllocZeroed(Ids * Dimension, sizeof(float));

    // Every third step of a trainer is empty.
    private static long[] IdsOf(int table, long step, int trainer)
    {
        var random = new Random((int)(table + (10 * step) + (1000 * trainer)));
        return (step + trainer) % 3 == 2 ? [] : [.. Enumerable.Range(0, Ids).Select(_ => random.NextInt64(Vocabulary))];
    }

    private static void FillGradients(nint gradients, ReadOnlySpan<long> keys, long step, int trainer)
    {
        var values = new Span<float>((void*)gradients, keys.Length * Dimension);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = MathF.Sin(keys[i / Dimension] + (i % Dimension) + (7 * step) + (31 * trainer));
        }
    }

    private (KeyBatch[] Keys, PullTicket Ticket) Begin(long step, PullMode mode)
    {
        var keys = new KeyBatch[_options.Length];
        var sections = new PullSection[keys.Length];
        for (int table = 0; table < keys.Length; table++)
        {
            keys[table] = new KeyBatch();
            keys[table].Plan(IdsOf(table, step, _trainers.Rank), _options[table].Kind, _store.Shards);
            sections[table] = new PullSection(keys[table], [table]);
        }

        return (keys, _store.BeginPull(step, mode, sections));
    }

    private void Compare(long step, KeyBatch[] keys, PullTicket ticket)
    {
        for (int table = 0; table < keys.Length; table++)
        {
            ticket.CopyRows(table, 0, _rows);
            _tables[table].Read(keys[table].Keys, _expected);
            int count = keys[table].Count * Dimension;
            Compare(table, step, new Span<float>((void*)_rows, count), new Span<float>((void*)_expected, count));
        }
    }

    private void Compare(int table, long step, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            if (!(Math.Abs(actual[i] - expected[i]) <= _tolerance))
            {
                throw new OpenEmbeddingException(
                    $"Table {_options[table].Name}, step {step}: weight {i} is {actual[i]:g9}, expected {expected[i]:g9}.");
            }
        }
    }

    private void Push(long step, KeyBatch[] keys, PullTicket ticket)
    {
        nint second = _expected;
        FillGradients(_rows, keys[0].Keys, step, _trainers.Rank);
        FillGradients(second, keys[1].Keys, step, _trainers.Rank);
        _store.Push(step, [new GradientBlock(ticket, [[_rows], [second]])]);
    }

    // The same step in this process, trainer after trainer.
    private void Follow(long step)
    {
        var batch = new KeyBatch();
        for (int table = 0; table < _tables.Length; table++)
        {
            for (int trainer = 0; trainer < _trainers.Size; trainer++)
            {
                batch.Plan(IdsOf(table, step, trainer), _options[table].Kind, 1);
                FillGradients(_gradients[trainer], batch.Keys, step, trainer);
                long[] rows = new long[batch.Count];
                _tables[table].FindOrAdd(batch.Keys, rows);
                _sums[table].Add(rows, _gradients[trainer]);
            }

            _sums[table].Apply();
        }
    }

    private void CompareStored()
    {
        for (int table = 0; table < _tables.Length; table++)
        {
            long read = 0;
            _store.ReadTable(table, (keys, weights) =>
            {
                read += keys.Length;
                for (int start = 0; start < keys.Length; start += Ids)
                {
                    var part = keys.AsSpan(start, Math.Min(Ids, keys.Length - start));
                    int count = part.Length * Dimension;
                    _tables[table].Read(part, _expected);
                    var actual = MemoryMarshal.Cast<byte, float>(weights).Slice(start * Dimension, count);
                    Compare(table, -1, actual, new Span<float>((void*)_expected, count));
                }
            });
            if (read < _tables[table].RowCount)
            {
                throw new OpenEmbeddingException($"Table {_options[table].Name}: {read} rows were read, {_tables[table].RowCount} expected.");
            }
        }
    }
}
