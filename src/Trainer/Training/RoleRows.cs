using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The pulled weights and the gradients of one role, [distinct rows, dimension] each, in native memory.</summary>
internal sealed unsafe class RoleRows(int dimension, ElementType type, HostMemory memory) : IDisposable
{
    private readonly int _elementBytes = type.SizeOf();
    private readonly int _rowBytes = dimension * type.SizeOf();
    private byte* _weights;
    private byte* _gradients;
    private int _capacity;

    public int Dimension => dimension;

    public void Reserve(int rows)
    {
        if (rows <= _capacity)
        {
            return;
        }

        Dispose();
        _capacity = checked(rows + (rows / 4));
        _weights = memory.Allocate((long)_capacity * _rowBytes);
        _gradients = memory.Allocate((long)_capacity * _rowBytes);
    }

    public nint Weights(int row) => (nint)(_weights + ((long)row * _rowBytes));

    public nint Gradients(int row) => (nint)(_gradients + ((long)row * _rowBytes));

    public Span<T> Weights<T>(int rows)
        where T : unmanaged => new(_weights, rows * dimension);

    public Span<T> Gradients<T>(int rows)
        where T : unmanaged => new(_gradients, rows * dimension);

    /// <summary>Puts rows that lie one behind the other with fewer weights where rows of the role lie, with zeros behind their weights.</summary>
    public void Widen(int first, int rows, int stored)
    {
        if (stored == dimension)
        {
            return;
        }

        int storedBytes = stored * _elementBytes;
        byte* start = _weights + ((long)first * _rowBytes);
        for (int row = rows - 1; row >= 0; row--)
        {
            byte* place = start + ((long)row * _rowBytes);
            Buffer.MemoryCopy(start + ((long)row * storedBytes), place, storedBytes, storedBytes);
            NativeMemory.Clear(place + storedBytes, (nuint)(_rowBytes - storedBytes));
        }
    }

    /// <summary>Puts the gradients of rows with fewer weights one behind the other.</summary>
    public void NarrowGradients(int first, int rows, int stored)
    {
        if (stored == dimension)
        {
            return;
        }

        int storedBytes = stored * _elementBytes;
        byte* start = _gradients + ((long)first * _rowBytes);
        for (int row = 1; row < rows; row++)
        {
            Buffer.MemoryCopy(start + ((long)row * _rowBytes), start + ((long)row * storedBytes), storedBytes, storedBytes);
        }
    }

    public void Dispose()
    {
        memory.Free(_weights);
        memory.Free(_gradients);
        _weights = _gradients = null;
        _capacity = 0;
    }
}
