using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>What becomes of numbers that travel in another type, in plain code.</summary>
internal static class ScalarWire
{
    /// <summary>Weights after their way, as bytes.</summary>
    public static byte[] Rows(ElementType? sent, ElementType stored, byte[] weights) => Travel(sent, stored, weights, 1);

    /// <summary>Gradients after their way, as bytes; in float16 they travel times 1024.</summary>
    public static byte[] Gradients(ElementType? sent, ElementType stored, byte[] gradients) =>
        Travel(sent, stored, gradients, sent == ElementType.Float16 ? 1024 : 1);

    private static byte[] Travel(ElementType? sent, ElementType stored, byte[] numbers, double scale)
    {
        byte[] result = [.. numbers];
        if (stored == ElementType.Float64)
        {
            foreach (ref double number in MemoryMarshal.Cast<byte, double>(result.AsSpan()))
            {
                number = Round(sent, number * scale) / scale;
            }
        }
        else
        {
            foreach (ref float number in MemoryMarshal.Cast<byte, float>(result.AsSpan()))
            {
                number = (float)(Round(sent, number * scale) / scale);
            }
        }

        return result;
    }

    private static double Round(ElementType? sent, double number) => sent switch
    {
        ElementType.Float16 => (double)(Half)number,
        ElementType.BFloat16 => ToBFloat(number),
        ElementType.Float32 => (float)number,
        _ => number,
    };

    // Of a number with 8 bits of precision the last place, and by division to an integer the nearest, ties to even.
    private static double ToBFloat(double number)
    {
        if (number == 0)
        {
            return number;
        }

        double place = Math.ScaleB(1, Math.Max(Math.ILogB(number), -126) - 7);
        return Math.CopySign(Math.Round(number / place, MidpointRounding.ToEven) * place, number);
    }
}
