using System.Buffers.Binary;
using Google.Protobuf;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Requests as TensorFlow's clients send them by gRPC.</summary>
internal static class PredictMessage
{
    /// <summary>Rows of the model's data, their numbers in the field of their type or, <paramref name="asContent"/>, as they lie in memory.</summary>
    public static PredictRequest Of(TrainedModel model, int first, int count, bool asContent) => Of([.. model.Lines.Skip(first).Take(count)], asContent);

    /// <summary>Rows in Criteo's form.</summary>
    public static PredictRequest Of(string[][] rows, bool asContent)
    {
        var request = new PredictRequest { ModelSpec = new ModelSpec { Name = "criteo" } };
        foreach ((string Name, int Place) column in TrainedModel.Columns())
        {
            long[] numbers = [.. rows.Select(fields => TrainedModel.Number(column, fields))];
            bool isFloat = column.Name[0] == 'I';
            var tensor = new TensorProto
            {
                Dtype = isFloat ? DataType.DtFloat : DataType.DtInt64,
                TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = rows.Length }, new TensorShapeProto.Types.Dim { Size = 1 } } },
            };
            if (asContent)
            {
                tensor.TensorContent = ByteString.CopyFrom([.. numbers.SelectMany(number => isFloat ? FloatBytes(number) : IntegerBytes(number))]);
            }
            else if (isFloat)
            {
                tensor.FloatVal.AddRange(numbers.Select(number => (float)number));
            }
            else
            {
                tensor.Int64Val.AddRange(numbers);
            }

            request.Inputs[column.Name] = tensor;
        }

        return request;
    }

    private static byte[] FloatBytes(float number)
    {
        byte[] bytes = new byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, number);
        return bytes;
    }

    private static byte[] IntegerBytes(long number)
    {
        byte[] bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }
}
