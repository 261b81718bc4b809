using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>What a rule needs for a row's update number 1, 2, 3 …, computed once for all rows.</summary>
/// <param name="next">Gives the value of a step and whether it stays the same for all later ones; called in order, so that a value may build on the one before.</param>
/// <remarks>Thread-safe. Grows with the largest count seen, until the value no longer changes.</remarks>
internal sealed class StepTable<TValue>(Func<int, (TValue Value, bool Final)> next)
    where TValue : unmanaged
{
    private readonly Lock _growth = new();
    private TValue[] _values = [];
    private bool _final;

    /// <summary>The value of <paramref name="step"/>, at least 1.</summary>
    public TValue this[int step]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var values = Volatile.Read(ref _values);
            return (uint)(step - 1) < (uint)values.Length ? values[step - 1] : Find(step);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TValue Find(int step)
    {
        // Read before the values, which Extend writes before it.
        if (!Volatile.Read(ref _final))
        {
            lock (_growth)
            {
                if (!_final && step > _values.Length)
                {
                    Extend((int)Math.Min(Math.Max(64, 2L * step), Array.MaxLength));
                }
            }
        }

        var values = Volatile.Read(ref _values);
        return values[Math.Min(step, values.Length) - 1];
    }

    private void Extend(int length)
    {
        int count = _values.Length;
        var values = new TValue[length];
        _values.CopyTo(values, 0);
        bool final = false;
        while (count < length && !final)
        {
            (values[count], final) = next(count + 1);
            count++;
        }

        Array.Resize(ref values, count);
        Volatile.Write(ref _values, values);
        Volatile.Write(ref _final, final);
    }
}
