using Google.Protobuf;
using Grpc.Core;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>
/// Binds methods so that a message that cannot be read is the client's fault, INVALID_ARGUMENT; without it the answer is UNKNOWN, which says that the
/// server failed.
/// </summary>
internal sealed class StrictBinder(ServiceBinderBase binder) : ServiceBinderBase
{
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) => binder.AddMethod(
        new Method<TRequest, TResponse>(method.Type, method.ServiceName, method.Name, Strict(method.RequestMarshaller), method.ResponseMarshaller), handler!);

    private static Marshaller<T> Strict<T>(Marshaller<T> marshaller) => new(marshaller.ContextualSerializer, context =>
    {
        try
        {
            return marshaller.ContextualDeserializer(context);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"the message is not a {typeof(T).Name}: {e.Message.ReplaceLineEndings(" ")}"));
        }
    });
}
