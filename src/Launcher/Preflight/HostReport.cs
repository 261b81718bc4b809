using System.Globalization;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace OpenEmbedding.Launcher.Preflight;

/// <summary>What a host has of the things that a rank needs; a host that is asked prints it as JSON.</summary>
internal sealed partial record HostReport
{
    /// <summary>The argument that asks for a report: <c>oe-run --report-host PROXY PROGRAM [ADDRESS PORT]</c>.</summary>
    public const string Argument = "--report-host";

    private const int MayExecute = 1;
    private static readonly TimeSpan _connectLimit = TimeSpan.FromSeconds(5);

    /// <summary>The host's own name, which ranks and hydra may use in their messages.</summary>
    public required string Name { get; init; }

    /// <summary>The version of this program.</summary>
    public required string Version { get; init; }

    /// <summary>The version of MPICH's library; null when it does not load.</summary>
    public string? Mpich { get; init; }

    /// <summary>Whether hydra's part for this host is there.</summary>
    public bool HasProxy { get; init; }

    /// <summary>Whether the program of the ranks is there.</summary>
    public bool HasProgram { get; init; }

    /// <summary>Why the host that asks cannot be reached from this one; null when it can, or was not tried.</summary>
    public string? NoWayBack { get; init; }

    /// <summary>Looks at this host, as the arguments of a call ask.</summary>
    /// <param name="arguments">Those behind <see cref="Argument"/>.</param>
    public static HostReport Of(ReadOnlySpan<string> arguments) => arguments is [var proxy, var program, var address, var port]
        ? OfThisHost(proxy, program) with { NoWayBack = Connect(address, port) }
        : OfThisHost(arguments[0], arguments[1]);

    /// <summary>Looks at this host.</summary>
    /// <param name="proxy">The path of hydra's proxy.</param>
    /// <param name="program">The program of the ranks: a path, from the working folder, or a name on PATH.</param>
    public static HostReport OfThisHost(string proxy, string program) => new()
    {
        Name = Environment.MachineName,
        Version = typeof(HostReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        Mpich = MpichLibrary.Load()?.Version,
        HasProxy = File.Exists(proxy),
        HasProgram = Candidates(program).Any(IsExecutable),
    };

    /// <summary>Reads what <see cref="ToJson"/> wrote; null for anything else.</summary>
    public static HostReport? FromJson(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<HostReport>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The report as one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    private static IEnumerable<string> Candidates(string program) => program.Contains('/')
        ? [program]
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program));

    private static bool IsExecutable(string path) => File.Exists(path) && access(path, MayExecute) == 0;

    private static string? Connect(string address, string port)
    {
        try
        {
            using var client = new TcpClient();
            return client.ConnectAsync(address, int.Parse(port, CultureInfo.InvariantCulture)).Wait(_connectLimit)
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"no answer within {_connectLimit.TotalSeconds} s");
        }
        catch (AggregateException e) when (e.InnerException is SocketException failure)
        {
            return failure.Message;
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);
}
