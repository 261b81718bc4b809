using Google.Protobuf;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests.Malformed;

/// <summary>Messages of gRPC that are valid but for random mistakes.</summary>
internal static class SpoiledMessage
{
    private static readonly byte[][] _strange =
    [
        // A length past the end, one of −1, a number without end, a group that nothing closes, the field 0, and text that is none.
        [0x12, 0xff, 0xff, 0x03], [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [.. Enumerable.Repeat((byte)0xff, 12)], [0x0b], [0x00], [0x0a, 0x02, 0xc3, 0x28],
    ];

    private static readonly (bool NamesFeature, Action<PredictRequest, string, Random> Spoil)[] _mistakes =
    [
        (true, (request, feature, _) => request.Inputs.Remove(feature)),
        (true, (request, feature, random) => request.Inputs[feature].Dtype = (DataType)(random.Next(2) == 0 ? random.Next(2, 9) : random.Next())),
        (true, (request, feature, _) => request.Inputs[feature].TensorShape = null),
        (true, (request, feature, _) => request.Inputs[feature].TensorShape.UnknownRank = true),
        (true, (request, feature, _) => request.Inputs[feature].TensorShape.Dim.Add(new TensorShapeProto.Types.Dim { Size = 2 })),
        (true, (request, feature, random) => request.Inputs[feature].TensorShape.Dim[0].Size = -random.NextInt64(1, long.MaxValue)),
        (true, (request, feature, random) => request.Inputs[feature].TensorShape.Dim[0].Size = random.NextInt64(201, long.MaxValue)),
        (true, (request, feature, random) => request.Inputs[feature].TensorShape.Dim[1].Size = random.NextInt64(2, long.MaxValue)),
        (true, (request, feature, _) => request.Inputs[feature].TensorShape.Dim[0].Size = 0),
        (true, (request, feature, random) => request.Inputs[feature].TensorContent = ByteString.CopyFrom(new byte[random.Next(1, 8)])),
        (true, (request, feature, random) => Repeat(request.Inputs[feature], random.Next(3, 100))),
        (true, (request, feature, _) => Repeat(request.Inputs[feature], 0)),
        (false, (request, _, random) => request.Inputs[$"I{random.Next(14, 30)}"] = new TensorProto()),
        (false, (request, _, random) => request.ModelSpec.Version = random.NextInt64(long.MinValue, long.MaxValue)),
        (false, (request, _, _) => request.ModelSpec.Name = "\u0000"),
        (false, (request, _, _) => request.ModelSpec.SignatureName = new string('s', 5000)),
        (false, (request, _, _) => request.ModelSpec.VersionLabel = ""),
        (false, (request, _, _) => request.OutputFilter.Add("")),
        (false, (request, _, _) => request.Inputs.Clear()),
        (false, (request, _, _) => request.ModelSpec = null),
    ];

    private static readonly float[] _notFinite = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];

    /// <summary>A message with a mistake, and a feature that the answer has to name, if it is about one.</summary>
    public static (byte[] Message, string? Feature) Of(PredictRequest valid, Random random)
    {
        if (random.Next(3) == 0)
        {
            return (SpoiledBytes.Of(valid.ToByteArray(), random, _strange), null);
        }

        PredictRequest request = valid.Clone();
        string feature = request.Inputs.Keys.ElementAt(random.Next(request.Inputs.Count));
        int mistake = random.Next(_mistakes.Length + 2);
        bool namesFeature = true;
        if (mistake < _mistakes.Length)
        {
            (namesFeature, Action<PredictRequest, string, Random> spoil) = _mistakes[mistake];
            spoil(request, feature, random);
        }
        else
        {
            feature = $"I{random.Next(1, 14)}";
            request.Inputs[feature].FloatVal[random.Next(2)] = _notFinite[random.Next(3)];
        }

        return (request.ToByteArray(), namesFeature ? feature : null);
    }

    private static void Repeat(TensorProto tensor, int count)
    {
        tensor.TensorContent = ByteString.Empty;
        tensor.FloatVal.Clear();
        tensor.Int64Val.Clear();
        tensor.FloatVal.AddRange(Enumerable.Repeat(1f, count));
        tensor.Int64Val.AddRange(Enumerable.Repeat(1L, count));
    }
}
