namespace OpenEmbedding.Serving.Models;

/// <summary>What is wrong with the features of a request, in the same words whichever way they came.</summary>
internal static class FeatureChecks
{
    /// <summary>The place of a feature among the model's inputs.</summary>
    /// <exception cref="RequestException">The model has no such feature.</exception>
    public static int PlaceOf(string feature, Signature signature)
    {
        int place = signature.PlaceOf(feature);
        return place >= 0 ? place : throw UnknownFeature(feature, signature);
    }

    /// <summary>A feature that the model does not have.</summary>
    public static RequestException UnknownFeature(string feature, Signature signature) => RequestException.Malformed(
        $"feature \"{feature}\" is not one of the model's: {string.Join(", ", signature.InputNames)}");

    /// <summary>Checks that every feature was given.</summary>
    /// <exception cref="RequestException">One is missing.</exception>
    public static void CheckMissing(bool[] isGiven, Signature signature, string where)
    {
        int missing = Array.IndexOf(isGiven, false);
        if (missing >= 0)
        {
            throw RequestException.Malformed($"{where} has no feature \"{signature.InputNames[missing]}\"");
        }
    }

    /// <summary>The number of rows, if a request may have as many.</summary>
    /// <exception cref="RequestException">There is none, or there are too many.</exception>
    public static int CheckRows(long rows, string what, int largestBatch) => rows switch
    {
        0 => throw RequestException.Malformed($"{what} is empty; at least one row is needed"),
        _ when rows > largestBatch => throw RequestException.Malformed($"{what} has {rows} rows; at most {largestBatch} are allowed in a request"),
        _ => (int)rows,
    };

    /// <summary>Checks that a feature has as many rows as those before it.</summary>
    /// <exception cref="RequestException">It has not.</exception>
    public static void CheckSameRows(string feature, int rows, int rowsBefore)
    {
        if (rows != rowsBefore)
        {
            throw RequestException.Malformed($"feature \"{feature}\" has {rows} rows, those before it have {rowsBefore}");
        }
    }

    /// <summary>What the model does not take.</summary>
    public static RequestException Wrong(Port port, int row, string shown) => RequestException.Malformed(
        $"feature \"{port.Name}\", row {row}: {shown} is not {(port.Width == 1 ? "one number" : $"a number or a list of at most {port.Width} numbers")} of type {port.TypeName}");

    /// <summary>A signature that the model does not have; <paramref name="shown"/> as it came.</summary>
    public static RequestException UnknownSignature(string shown) => RequestException.Malformed(
        $"\"signature_name\" is {shown}; the model has \"{Signature.Name}\" alone");
}
