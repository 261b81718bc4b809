namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>Expectations of the jobs; a failed one ends the job with a line that says what came.</summary>
internal static class Check
{
    internal static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new InvalidOperationException($"{what}: expected {expected}, got {actual}");
        }
    }

    internal static void Equal<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, string what)
    {
        Equal(expected.Length, actual.Length, what + " (length)");
        for (var i = 0; i < expected.Length; i++)
        {
            Equal(expected[i], actual[i], $"{what} [{i}]");
        }
    }

    internal static TException Throws<TException>(Action action, string what)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException e)
        {
            return e;
        }

        throw new InvalidOperationException($"{what}: no {typeof(TException).Name} came");
    }
}
