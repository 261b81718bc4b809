using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenEmbedding.Serving.Grpc.Messages;
using OpenEmbedding.Serving.Models;
using PredictRequest = OpenEmbedding.Serving.Grpc.Messages.PredictRequest;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>TensorFlow Serving's <c>PredictionService</c>: predictions and metadata.</summary>
[BindServiceMethod(typeof(PredictionApi), nameof(Bind))]
internal sealed class PredictionApi(Predictor predictor, ServeOptions options) : PredictionService.PredictionServiceBase
{
    private const string SignatureField = "signature_def";

    /// <summary>Called by name when the service is mapped.</summary>
    public static void Bind(ServiceBinderBase binder, PredictionService.PredictionServiceBase? api) => PredictionService.BindService(new StrictBinder(binder), api);

    public override async Task<PredictResponse> Predict(PredictRequest request, ServerCallContext context)
    {
        ModelSpec spec = ModelSpecs.Check(request.ModelSpec);
        using IDisposable timed = predictor.Time(spec.Name);
        Prediction prediction = await predictor.Predict(spec.Name, spec.Version, Read, context.CancellationToken);
        return new PredictResponse
        {
            ModelSpec = ModelSpecs.Of(spec.Name, prediction.Version, Signature.Name),
            Outputs = { [prediction.Output.Name] = Tensors.Column(prediction.Outputs) },
        };

        FeatureColumns Read(Signature signature)
        {
            if (request.OutputFilter.FirstOrDefault(name => name != signature.Output.Name) is { } unknown)
            {
                throw RequestException.Malformed($"output \"{unknown}\" is not one of the model's: {signature.Output.Name}");
            }

            return Tensors.Read(request.Inputs, signature, options.LargestBatch);
        }
    }

    public override Task<GetModelMetadataResponse> GetModelMetadata(GetModelMetadataRequest request, ServerCallContext context)
    {
        ModelSpec spec = ModelSpecs.Check(request.ModelSpec);
        if (request.MetadataField.Count == 0 || request.MetadataField.Any(field => field != SignatureField))
        {
            throw RequestException.Malformed($"\"metadata_field\" is [{string.Join(", ", request.MetadataField)}]; \"{SignatureField}\" is allowed");
        }

        ModelVersion held = predictor.Hold(spec.Name, spec.Version);
        try
        {
            return Task.FromResult(new GetModelMetadataResponse
            {
                ModelSpec = ModelSpecs.Of(spec.Name, held.Number),
                Metadata = { [SignatureField] = Any.Pack(new SignatureDefMap { SignatureDef = { [Signature.Name] = Describe(held.Signature) } }) },
            });
        }
        finally
        {
            held.Release();
        }
    }

    private static SignatureDef Describe(Signature signature)
    {
        var description = new SignatureDef { MethodName = "tensorflow/serving/predict" };
        foreach (Port port in signature.Inputs)
        {
            description.Inputs[port.Name] = Describe(port);
        }

        description.Outputs[signature.Output.Name] = Describe(signature.Output);
        return description;
    }

    private static TensorInfo Describe(Port port) => new() { Name = $"{port.Name}:0", Dtype = Tensors.TypeOf(port), TensorShape = Tensors.ShapeOf(-1, port.Width) };
}
