using OpenEmbedding.Serving.Grpc.Messages;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>Reads and makes the message that names a model, a version and a signature.</summary>
internal static class ModelSpecs
{
    /// <summary>Checks that a model is named, with no label and no signature that there is none of.</summary>
    /// <exception cref="RequestException">It is not so.</exception>
    public static ModelSpec Check(ModelSpec? spec)
    {
        if (spec is null || spec.Name.Length == 0)
        {
            throw RequestException.Malformed("Missing ModelSpec: the request names no model");
        }

        if (spec.VersionChoiceCase == ModelSpec.VersionChoiceOneofCase.VersionLabel)
        {
            throw RequestException.Malformed($"Unrecognized servable version label: {spec.VersionLabel}; versions are asked for by their number");
        }

        return spec.SignatureName.Length == 0 || spec.SignatureName == Signature.Name
            ? spec
            : throw FeatureChecks.UnknownSignature($"\"{spec.SignatureName}\"");
    }

    /// <summary>What answered.</summary>
    public static ModelSpec Of(string model, long version, string signature = "") => new() { Name = model, Version = version, SignatureName = signature };
}
