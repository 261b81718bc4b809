using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests;

/// <summary>The program itself with TLS and a key, for both ports.</summary>
[Trait("Kind", "Job")]
public sealed class AccessTests : IDisposable
{
    private const string Key = "s3cret";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Both_ports_speak_tls_and_want_the_key()
    {
        string keyFile = Path.Combine(_folder, "key"), certificateFile = Path.Combine(_folder, "certificate.pfx");
        await File.WriteAllTextAsync(keyFile, Key + "\n");
        await File.WriteAllBytesAsync(certificateFile, MakeCertificate("pass"));
        using Process process = Start(certificateFile, "pass", "--api-key-file", keyFile);
        try
        {
            (string rest, string grpc) = await ReadAddresses(process);
            Assert.StartsWith("https://", rest);

            using HttpClientHandler handler = Trusting();
            using var client = new HttpClient(handler) { BaseAddress = new Uri(rest), Timeout = _limit };
            Assert.Equal("ok", await client.GetStringAsync("/healthz"));
            using HttpResponseMessage refused = await client.GetAsync("/v1/models/criteo");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.Equal("{\"error\":\"the key is missing or wrong; it is sent as \\\"Authorization: Bearer KEY\\\"\"}", await refused.Content.ReadAsStringAsync());
            client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
            Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/v1/models/criteo")).StatusCode);

            using HttpClientHandler grpcHandler = Trusting();
            using GrpcChannel channel = GrpcChannel.ForAddress(grpc, new GrpcChannelOptions { HttpHandler = grpcHandler });
            var models = new ModelService.ModelServiceClient(channel);
            var request = new GetModelStatusRequest { ModelSpec = new ModelSpec { Name = "criteo" } };
            Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(async () => await models.GetModelStatusAsync(request))).StatusCode);
            Assert.Equal(
                StatusCode.NotFound,
                (await Assert.ThrowsAsync<RpcException>(async () => await models.GetModelStatusAsync(request, new Metadata { { "authorization", $"Bearer {Key}" } }))).StatusCode);
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_is_one_line()
    {
        string certificateFile = Path.Combine(_folder, "certificate.pfx");
        await File.WriteAllBytesAsync(certificateFile, MakeCertificate("pass"));
        using Process process = Start(certificateFile, "wrong");

        string said = await process.StandardError.ReadToEndAsync().WaitAsync(_limit);

        Assert.StartsWith("oe-serve: the certificate of the configuration, Kestrel:Certificates:Default, cannot be used: ", said.Split('\n')[^2]);
        await process.WaitForExitAsync().WaitAsync(_limit);
        Assert.NotEqual(0, process.ExitCode);
    }

    private Process Start(string certificate, string password, params string[] options)
    {
        var start = new ProcessStartInfo(
            "dotnet", [typeof(Server).Assembly.Location, "--model", $"criteo={_folder}", "--rest-port", "0", "--grpc-port", "0", .. options])
        {
            RedirectStandardError = true,
        };
        start.Environment["Kestrel__Certificates__Default__Path"] = certificate;
        start.Environment["Kestrel__Certificates__Default__Password"] = password;
        return Process.Start(start)!;
    }

    private static async Task<(string RestAddress, string GrpcAddress)> ReadAddresses(Process process)
    {
        var said = new StringBuilder();
        while (await process.StandardError.ReadLineAsync().WaitAsync(_limit) is { } line)
        {
            const string before = "oe-serve: listens on ", between = ", for gRPC on ";
            if (line.StartsWith(before, StringComparison.Ordinal))
            {
                string[] addresses = line[before.Length..].Split(between);
                return (addresses[0], addresses[1]);
            }

            said.AppendLine(line);
        }

        Assert.Fail($"oe-serve has ended: {said}");
        return default;
    }

    private static HttpClientHandler Trusting() => new() { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };

    private static byte[] MakeCertificate(string password)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return certificate.Export(X509ContentType.Pfx, password);
    }
}
