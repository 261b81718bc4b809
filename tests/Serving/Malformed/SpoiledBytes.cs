namespace OpenEmbedding.Serving.Tests.Malformed;

/// <summary>Bytes with random mistakes in them: cut, changed, doubled, lost, and with strange ones put between.</summary>
internal static class SpoiledBytes
{
    public static byte[] Of(byte[] whole, Random random, IReadOnlyList<byte[]> strange)
    {
        byte[] bytes = whole;
        for (int mistakes = random.Next(1, 4); mistakes > 0 && bytes.Length > 0; mistakes--)
        {
            (int first, int end) = Span(bytes.Length, random);
            bytes = random.Next(5) switch
            {
                0 => bytes[..first],
                1 => Changed(bytes, first, (byte)random.Next(256)),
                2 => [.. bytes[..end], .. bytes[first..]],
                3 => [.. bytes[..first], .. bytes[end..]],
                _ => [.. bytes[..first], .. strange[random.Next(strange.Count)], .. bytes[first..]],
            };
        }

        return bytes;
    }

    private static (int First, int End) Span(int length, Random random)
    {
        int first = random.Next(length);
        return (first, Math.Min(length, first + random.Next(1, 60)));
    }

    private static byte[] Changed(byte[] bytes, int place, byte value)
    {
        byte[] changed = [.. bytes];
        changed[place] = value;
        return changed;
    }
}
