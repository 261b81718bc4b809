using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests;

/// <summary>The gRPC API on a real port, beside REST.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class GrpcTests(TrainedModel model) : IAsyncLifetime
{
    private static readonly (string Error, StatusCode Code, Action<PredictRequest> Spoil)[] _mistakes =
    [
        ("Missing ModelSpec: the request names no model", StatusCode.InvalidArgument, request => request.ModelSpec = null),
        ("Could not find any versions of model other; served are: criteo", StatusCode.NotFound, request => request.ModelSpec.Name = "other"),
        ("Servable not found for request: Specific(criteo, 9)", StatusCode.NotFound, request => request.ModelSpec.Version = 9),
        ("Unrecognized servable version label: best; ", StatusCode.InvalidArgument, request => request.ModelSpec.VersionLabel = "best"),
        ("\"signature_name\" is \"x\"; the model has \"serving_default\" alone", StatusCode.InvalidArgument, request => request.ModelSpec.SignatureName = "x"),
        ("output \"logit\" is not one of the model's: probability", StatusCode.InvalidArgument, request => request.OutputFilter.Add("logit")),
        ("\"inputs\" has no feature \"C3\"", StatusCode.InvalidArgument, request => request.Inputs.Remove("C3")),
        ("feature \"X\" is not one of the model's: I1, I2, ", StatusCode.InvalidArgument, request => request.Inputs["X"] = new TensorProto()),
        ("feature \"I1\" is a tensor of type DT_DOUBLE; DT_FLOAT is allowed", StatusCode.InvalidArgument, request => request.Inputs["I1"].Dtype = DataType.DtDouble),
        ("feature \"C1\" is a tensor of type 99; DT_INT64 is allowed", StatusCode.InvalidArgument, request => request.Inputs["C1"].Dtype = (DataType)99),
        ("feature \"I1\" has the shape []; [rows, 1] is allowed", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape = null),
        ("feature \"I1\" has the shape unknown; [rows, 1] is allowed", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape.UnknownRank = true),
        ("feature \"I1\" has the shape [2, 2]; [rows, 1] is allowed", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape.Dim[1].Size = 2),
        ("feature \"I1\" has the shape [-1, 1]; [rows, 1] is allowed", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape.Dim[0].Size = -1),
        ("feature \"I2\" has 1 rows, those before it have 2", StatusCode.InvalidArgument, request => request.Inputs["I2"].TensorShape.Dim[0].Size = 1),
        ("feature \"I1\" is empty; at least one row is needed", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape.Dim[0].Size = 0),
        ("feature \"I1\" has 4611686018427387904 rows; at most 200 are allowed in a request", StatusCode.InvalidArgument, request => request.Inputs["I1"].TensorShape.Dim[0].Size = 1L << 62),
        ("feature \"I1\" has 3 numbers in float_val and no tensor_content; its shape has 2", StatusCode.InvalidArgument, request => request.Inputs["I1"].FloatVal.Add(1)),
        ("feature \"C1\" has 0 numbers in int64_val and no tensor_content; its shape has 2", StatusCode.InvalidArgument, request => request.Inputs["C1"].Int64Val.Clear()),
        ("feature \"C1\" has 15 bytes of tensor_content; 2 numbers of DT_INT64 have 16", StatusCode.InvalidArgument, request => request.Inputs["C1"].TensorContent = ByteString.CopyFrom(new byte[15])),
        ("feature \"I1\", row 1: NaN is not one number of type float", StatusCode.InvalidArgument, request => request.Inputs["I1"].FloatVal[1] = float.NaN),
        ("feature \"I1\", row 0: -Infinity is not one number of type float", StatusCode.InvalidArgument, request => request.Inputs["I1"].FloatVal[0] = float.NegativeInfinity),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;
    private Server _server = null!;
    private HttpClient _rest = null!;
    private GrpcChannel _channel = null!;
    private PredictionService.PredictionServiceClient _client = null!;

    public async Task InitializeAsync()
    {
        model.CopyTo(Path.Combine(_folder, "1"));
        ServeOptions options = new ServeCommandLine().Parse(
            ["--model", $"criteo={_folder}", "--rest-port", "0", "--grpc-port", "0", "--max-batch", "200", "--max-body-mb", "1", "--poll-seconds", "3600"])!;
        _server = await Server.Start(options, _ => { });
        _rest = new HttpClient { BaseAddress = new Uri(_server.Address), Timeout = TimeSpan.FromSeconds(60) };
        _channel = GrpcChannel.ForAddress(_server.GrpcAddress!);
        _client = new PredictionService.PredictionServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        _rest.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(100, false)]
    [InlineData(1, true)]
    [InlineData(100, true)]
    public async Task Predicts_the_bits_of_rest(int count, bool asContent)
    {
        PredictResponse answer = await _client.PredictAsync(model.Message(7, count, asContent));

        using HttpResponseMessage rest = await _rest.PostAsync("/v1/models/criteo:predict", new StringContent(model.Body(false, 7, count), Encoding.UTF8));
        float[] expected = [.. JsonDocument.Parse(await rest.Content.ReadAsStringAsync()).RootElement.GetProperty("outputs").EnumerateArray().Select(row => row[0].GetSingle())];
        TensorProto output = answer.Outputs["probability"];
        Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), output.FloatVal.Select(BitConverter.SingleToInt32Bits));
        Assert.Equal([count, 1], output.TensorShape.Dim.Select(dimension => dimension.Size));
        Assert.Equal(("criteo", 1L, "serving_default"), (answer.ModelSpec.Name, answer.ModelSpec.Version!.Value, answer.ModelSpec.SignatureName));
        Assert.All(output.FloatVal.Zip(model.Probabilities.Skip(7)), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
    }

    [Fact]
    public async Task A_number_that_stands_alone_fills_its_feature()
    {
        PredictRequest alone = model.Message(0, 2, false);
        alone.Inputs["I1"].FloatVal.Clear();
        alone.Inputs["I1"].FloatVal.Add(3);
        PredictRequest twice = model.Message(0, 2, false);
        twice.Inputs["I1"].FloatVal.Clear();
        twice.Inputs["I1"].FloatVal.AddRange([3, 3]);

        Assert.Equal((await _client.PredictAsync(twice)).Outputs, (await _client.PredictAsync(alone)).Outputs);
    }

    [Fact]
    public async Task Mistakes_are_explained()
    {
        foreach ((string error, StatusCode code, Action<PredictRequest> spoil) in _mistakes)
        {
            PredictRequest request = model.Message(0, 2, false);
            spoil(request);

            RpcException failure = await Assert.ThrowsAsync<RpcException>(async () => await _client.PredictAsync(request));

            Assert.StartsWith(error, failure.Status.Detail);
            Assert.Equal(code, failure.StatusCode);
        }

        Assert.Single((await _client.PredictAsync(model.Message(0, 1, false))).Outputs);
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_refused()
    {
        PredictRequest request = model.Message(0, 2, false);
        request.Inputs["I1"].TensorContent = ByteString.CopyFrom(new byte[1 << 20]);

        RpcException failure = await Assert.ThrowsAsync<RpcException>(async () => await _client.PredictAsync(request));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
    }

    [Fact]
    public async Task Tells_metadata_states_and_health()
    {
        var spec = new ModelSpec { Name = "criteo" };
        GetModelMetadataResponse metadata = await _client.GetModelMetadataAsync(new GetModelMetadataRequest { ModelSpec = spec, MetadataField = { "signature_def" } });
        SignatureDef signature = metadata.Metadata["signature_def"].Unpack<SignatureDefMap>().SignatureDef["serving_default"];
        Assert.Equal((39, 1), (signature.Inputs.Count, signature.Outputs.Count));
        Assert.Equal((DataType.DtInt64, "C26:0"), (signature.Inputs["C26"].Dtype, signature.Inputs["C26"].Name));
        Assert.Equal(1, metadata.ModelSpec.Version);

        GetModelStatusResponse status = await new ModelService.ModelServiceClient(_channel).GetModelStatusAsync(new GetModelStatusRequest { ModelSpec = spec });
        ModelVersionStatus version = Assert.Single(status.ModelVersionStatus);
        Assert.Equal((1, ModelVersionStatus.Types.State.Available, Code.Ok), (version.Version, version.State, version.Status.ErrorCode));

        RpcException failure = await Assert.ThrowsAsync<RpcException>(async () => await _client.GetModelMetadataAsync(new GetModelMetadataRequest { ModelSpec = spec }));
        Assert.Equal((StatusCode.InvalidArgument, "\"metadata_field\" is []; \"signature_def\" is allowed"), (failure.StatusCode, failure.Status.Detail));

        HealthCheckResponse health = await new Health.HealthClient(_channel).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task A_rest_request_on_the_port_of_grpc_does_no_harm()
    {
        await Assert.ThrowsAsync<HttpRequestException>(() => _rest.GetStringAsync($"{_server.GrpcAddress}/v1/models/criteo"));
        Assert.Equal(HttpStatusCode.OK, (await _rest.GetAsync("/v1/models/criteo")).StatusCode);
        Assert.Single((await _client.PredictAsync(model.Message(0, 1, true))).Outputs);
    }
}
