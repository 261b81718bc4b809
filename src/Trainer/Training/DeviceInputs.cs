using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What a GPU takes of a batch beside its rows, in pinned memory, made while the batch is planned.</summary>
/// <param name="memory">Pinned memory.</param>
/// <param name="type">The type that the GPU computes in.</param>
/// <param name="sections">Sections of the plan.</param>
internal sealed unsafe class DeviceInputs(HostMemory memory, ElementType type, int sections) : IDisposable
{
    private byte* _numbers;
    private long _capacity;

    /// <summary>Which slots took each row.</summary>
    public RowSegments Segments { get; } = new(memory, sections);

    /// <summary>The address of the dense columns, [samples, columns], and behind them the labels, [samples].</summary>
    public nint Numbers => (nint)_numbers;

    /// <summary>Takes dense columns and labels of a batch.</summary>
    public void Take(Batch batch)
    {
        int length = batch.Rows * (batch.DenseColumns + 1);
        if (length > _capacity)
        {
            memory.Free(_numbers);
            _capacity = length;
            _numbers = memory.Allocate(_capacity * type.SizeOf());
        }

        if (type == ElementType.Float64)
        {
            Copy<double>(batch);
        }
        else
        {
            Copy<float>(batch);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Segments.Dispose();
        memory.Free(_numbers);
        _numbers = null;
        _capacity = 0;
    }

    private void Copy<T>(Batch batch)
        where T : unmanaged, INumber<T>
    {
        int dense = batch.Rows * batch.DenseColumns;
        batch.CopyDense(0, new Span<T>(_numbers, dense));
        batch.CopyLabels(0, new Span<T>((T*)_numbers + dense, batch.Rows));
    }
}
