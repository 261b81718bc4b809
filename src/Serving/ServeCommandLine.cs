using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving;

/// <summary>The command line of <c>oe-serve</c>.</summary>
internal sealed class ServeCommandLine
{
    private const int LargestPort = 65535;
    private const int BytesOfMebibyte = 1 << 20;

    private readonly Option<string[]> _models = new("--model") { AllowMultipleArgumentsPerToken = false };
    private readonly Option<string?> _address = new("--address");
    private readonly Option<string?> _restPort = new("--rest-port");
    private readonly Option<string?> _grpcPort = new("--grpc-port");
    private readonly Option<bool> _shard = new("--shard");
    private readonly Option<string?> _shardPort = new("--shard-port");
    private readonly Option<string?> _shards = new("--shards");
    private readonly Option<string?> _replicas = new("--replicas");
    private readonly Option<string?> _largestBatch = new("--max-batch");
    private readonly Option<string?> _company = new("--batch-timeout-us");
    private readonly Option<string?> _timeout = new("--timeout-seconds");
    private readonly Option<string?> _apiKey = new("--api-key-file");
    private readonly Option<string?> _largestBody = new("--max-body-mb");
    private readonly Option<string?> _concurrency = new("--concurrency");
    private readonly Option<string?> _waiting = new("--max-waiting");
    private readonly Option<string?> _poll = new("--poll-seconds");
    private readonly Command _command;

    public ServeCommandLine()
    {
        _command = new Command("oe-serve") { _models, _address, _restPort, _grpcPort, _largestBatch, _largestBody, _concurrency, _waiting, _poll, _company, _timeout, _apiKey, _shard, _shardPort, _shards, _replicas };
    }

    /// <summary>What <c>--help</c> prints.</summary>
    public static string Help => """
        Usage: oe-serve --model NAME=FOLDER [--model NAME=FOLDER ...] [options]

        Answers predictions of exported models by the REST API and the gRPC API of TensorFlow Serving. FOLDER has a folder for each version,
        named by its number, as oe-train --export FOLDER/1 makes it; the highest is served, and a new one takes over while requests go on.

          --model N=FOLDER   a model's name and folder
          --address IP       the address to listen on; default 127.0.0.1, this machine alone
          --rest-port P      the port of REST; 0 takes a free one; default 8501
          --grpc-port P      the port of gRPC, 8500 for TensorFlow Serving's clients; 0 takes a free one; default no gRPC
          --max-batch N      the most rows of one request, and of requests that are computed together; default 10000
          --batch-timeout-us T  how long a request waits for others to be computed with; default 0: only those that wait
                             for their turn anyway are put together
          --max-body-mb N    the most MiB of one request's body; default 16
          --concurrency N    requests computed at the same time; default half the number of cores, for the other half reads and writes
          --max-waiting N    requests that may wait for their turn, further ones get 503; default 1000
          --timeout-seconds S  the longest wait of a request for its turn, then it gets 504; default 30
          --api-key-file F   a file with the key that clients send as "Authorization: Bearer KEY"; default none
          --poll-seconds S   how often the folders are looked at for new versions; default 1

        Models that no machine holds: oe-train --export-dense FOLDER/1 writes the dense part alone, and processes of their own hold the tables.

          --shards H:P,...   the processes that hold the tables, each the host and port of an oe-serve --shard
          --replicas R       how many of them hold the same shard; default 1
          --shard            hold shards of tables, as an oe-serve with --shards tells, and serve no models; with --address and
          --shard-port P     the port; 0 takes a free one; default 8600

        GET, POST and DELETE /models list, load and unload models while it runs, so that with --shards --model may be left out; GET /nodes tells of the processes.

        docs/serving.md tells of requests, errors, versions and metrics. Ctrl-C or SIGTERM finishes the requests under way.

        """;

    /// <summary>The options, or <c>null</c> where only the help is wanted.</summary>
    /// <exception cref="OpenEmbeddingException">An argument is wrong; exit code 2.</exception>
    public ServeOptions? Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Any(argument => argument is "--help" or "-h"))
        {
            return null;
        }

        ParseResult parsed = CommandLineParser.Parse(_command, arguments);
        if (parsed.UnmatchedTokens is [string unknown, ..])
        {
            throw Error($"unknown argument \"{unknown}\"; oe-serve --help lists all");
        }

        if (parsed.Errors is [ParseError error, ..])
        {
            throw Error(error.Message);
        }

        bool isShard = parsed.GetValue(_shard);
        int replicas = ReadInteger(parsed, _replicas, 1, 1, 64);
        return new ServeOptions(
            ReadModels(parsed.GetValue(_models) ?? [], isNeeded: !isShard && parsed.GetValue(_shards) is null),
            ReadAddress(parsed.GetValue(_address)),
            ReadInteger(parsed, _restPort, 8501, 0, LargestPort),
            ReadInteger(parsed, _largestBatch, 10_000, 1, int.MaxValue),
            (long)BytesOfMebibyte * ReadInteger(parsed, _largestBody, 16, 1, 2047),
            ReadInteger(parsed, _concurrency, Math.Max(1, Environment.ProcessorCount / 2), 1, 1024),
            ReadInteger(parsed, _waiting, 1000, 0, int.MaxValue),
            TimeSpan.FromSeconds(ReadInteger(parsed, _poll, 1, 1, 3600)))
        {
            GrpcPort = parsed.GetValue(_grpcPort) is null ? null : ReadInteger(parsed, _grpcPort, 0, 0, LargestPort),
            Company = TimeSpan.FromMicroseconds(ReadInteger(parsed, _company, 0, 0, 10_000_000)),
            Timeout = TimeSpan.FromSeconds(ReadInteger(parsed, _timeout, 30, 1, 3600)),
            ApiKey = ReadApiKey(parsed.GetValue(_apiKey)),
            ShardPort = isShard ? ReadInteger(parsed, _shardPort, 8600, 0, LargestPort) : null,
            Shards = ReadShards(parsed.GetValue(_shards), replicas),
            Replicas = replicas,
        };
    }

    private static List<ModelFolder> ReadModels(string[] texts, bool isNeeded)
    {
        var models = new List<ModelFolder>();
        foreach (string text in texts)
        {
            string[] parts = text.Split('=', 2);
            if (parts is not [{ Length: > 0 } name, { Length: > 0 } folder] || name.AsSpan().IndexOfAny("/: ") >= 0)
            {
                throw Error($"--model \"{text}\" is not NAME=FOLDER, with a name without slash, colon and space");
            }

            if (models.Any(other => other.Name == name))
            {
                throw Error($"--model \"{name}\" is given twice");
            }

            var model = new ModelFolder(name, folder);
            models.Add(model.Problem is { } problem ? throw Error($"--{problem}") : model);
        }

        return models.Count > 0 || !isNeeded ? models : throw Error("--model is missing; it is NAME=FOLDER, such as --model criteo=tmp/criteo");
    }

    private static List<DnsEndPoint> ReadShards(string? text, int replicas)
    {
        var shards = new List<DnsEndPoint>();
        foreach (string process in text?.Split(',') ?? [])
        {
            int colon = process.LastIndexOf(':');
            bool isPort = int.TryParse(process.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and <= LargestPort;
            shards.Add(colon > 0 && isPort ? new DnsEndPoint(process[..colon], port) : throw Error($"--shards \"{process}\" is not HOST:PORT"));
        }

        return shards.Count % replicas == 0
            ? shards
            : throw Error($"--shards names {shards.Count} processes, which is no multiple of --replicas {replicas}");
    }

    private static IPAddress ReadAddress(string? text) => text is null
        ? IPAddress.Loopback
        : IPAddress.TryParse(text, out IPAddress? address)
            ? address
            : throw Error($"--address \"{text}\" is not an IP address such as 127.0.0.1, or 0.0.0.0 for all of this machine's");

    private static string? ReadApiKey(string? path)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            string key = File.ReadAllText(path).Trim();
            return key.Length > 0 && key.All(letter => letter is > ' ' and <= '~')
                ? key
                : throw Error($"--api-key-file {path} is not one line of ASCII letters, digits and signs");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Error($"--api-key-file {path} cannot be read: {e.Message}");
        }
    }

    private static int ReadInteger(ParseResult parsed, Option<string?> option, int standard, int least, int most)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return standard;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw Error($"{option.Name} \"{text}\" is not an integer from {least} to {most}");
    }

    private static OpenEmbeddingException Error(string message) => new(message, JobExitCode.Configuration);
}
