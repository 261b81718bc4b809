using Grpc.Core;
using OpenEmbedding.Serving.Grpc.Messages;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>TensorFlow Serving's <c>ModelService</c>: the state of a model's versions.</summary>
[BindServiceMethod(typeof(ModelApi), nameof(Bind))]
internal sealed class ModelApi(Predictor predictor) : ModelService.ModelServiceBase
{
    /// <summary>Called by name when the service is mapped.</summary>
    public static void Bind(ServiceBinderBase binder, ModelService.ModelServiceBase? api) => ModelService.BindService(new StrictBinder(binder), api);

    public override Task<GetModelStatusResponse> GetModelStatus(GetModelStatusRequest request, ServerCallContext context)
    {
        ModelSpec spec = ModelSpecs.Check(request.ModelSpec);
        return Task.FromResult(new GetModelStatusResponse { ModelVersionStatus = { predictor.States(spec.Name, spec.Version).Select(Describe) } });
    }

    private static ModelVersionStatus Describe(VersionState state) => new()
    {
        Version = state.Number,
        State = state.Refused is null ? ModelVersionStatus.Types.State.Available : ModelVersionStatus.Types.State.End,
        Status = new StatusProto
        {
            ErrorCode = state.Refused is null ? Code.Ok : Code.FailedPrecondition,
            ErrorMessage = state.Refused ?? "",
        },
    };
}
