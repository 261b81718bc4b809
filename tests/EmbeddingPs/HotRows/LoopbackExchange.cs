using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.HotRows;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>The exchange of trainers in one process: an operation is done when the last trainer has started it, in the order of the trainers.</summary>
internal sealed unsafe class LoopbackExchange
{
    private readonly List<Operation> _operations = [];
    private readonly int[] _started;

    public LoopbackExchange(int trainers)
    {
        _started = new int[trainers];
        Trainers = [.. Enumerable.Range(0, trainers).Select(trainer => new OfTrainer(this, trainer))];
    }

    public IReadOnlyList<ITrainerExchange> Trainers { get; }

    private void Begin(int trainer, nint data, nint all, long count, ElementType type)
    {
        lock (_operations)
        {
            int number = _started[trainer]++;
            if (number == _operations.Count)
            {
                _operations.Add(new Operation(new nint[_started.Length], new nint[_started.Length], count, type));
            }

            var operation = _operations[number];
            Assert.Equal((operation.Count, operation.Type), (count, type));
            operation.Data[trainer] = data;
            operation.All[trainer] = all;
            if (Array.TrueForAll(operation.Data, part => part != 0))
            {
                operation.Run();
                Monitor.PulseAll(_operations);
            }
        }
    }

    private void Wait(int trainer)
    {
        lock (_operations)
        {
            while (_operations.Take(_started[trainer]).Any(operation => !operation.IsDone))
            {
                Assert.True(
                    Monitor.Wait(_operations, Server.PsCluster.Limit),
                    $"trainer {trainer} waits for operation {_started[trainer] - 1}; trainers have started {string.Join(", ", _started)}");
            }
        }
    }

    private sealed class OfTrainer(LoopbackExchange exchange, int trainer) : ITrainerExchange
    {
        public int Trainers => exchange._started.Length;

        public void BeginSum(nint data, long count, ElementType type) => exchange.Begin(trainer, data, 0, count, type);

        public void BeginGather(nint mine, nint all, long bytes) => exchange.Begin(trainer, mine, all, bytes, ElementType.UInt8);

        public void Wait() => exchange.Wait(trainer);
    }

    private sealed record Operation(nint[] Data, nint[] All, long Count, ElementType Type)
    {
        public bool IsDone { get; private set; }

        public void Run()
        {
            for (int trainer = 0; trainer < Data.Length; trainer++)
            {
                switch (Type)
                {
                    case ElementType.UInt8:
                        CopyTo(All[trainer]);
                        break;
                    case ElementType.Float32 when trainer > 0:
                        Add<float>(trainer);
                        break;
                    case ElementType.Float64 when trainer > 0:
                        Add<double>(trainer);
                        break;
                }
            }

            for (int trainer = 1; trainer < Data.Length && Type != ElementType.UInt8; trainer++)
            {
                long bytes = Count * Type.SizeOf();
                Buffer.MemoryCopy((void*)Data[0], (void*)Data[trainer], bytes, bytes);
            }

            IsDone = true;
        }

        private void CopyTo(nint all)
        {
            foreach (nint part in Data)
            {
                Buffer.MemoryCopy((void*)part, (void*)all, Count, Count);
                all += (nint)Count;
            }
        }

        private void Add<T>(int trainer)
            where T : unmanaged, System.Numerics.INumber<T>
        {
            for (long i = 0; i < Count; i++)
            {
                ((T*)Data[0])[i] += ((T*)Data[trainer])[i];
            }
        }
    }
}
