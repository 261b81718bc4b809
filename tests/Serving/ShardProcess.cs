using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving.Tests;

/// <summary>A process <c>oe-serve --shard</c>, which may be killed at any moment.</summary>
internal sealed class ShardProcess
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    private ShardProcess(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it listens, <c>host:port</c>.</summary>
    public string Address { get; }

    public int Port => int.Parse(Address.AsSpan(Address.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);

    /// <summary>Starts one, and waits until it listens.</summary>
    /// <param name="port">Its port; 0 takes a free one.</param>
    public static async Task<ShardProcess> Start(int port)
    {
        const string Listens = "oe-serve: listens for lookups on ";
        Process process = Process.Start(new ProcessStartInfo("dotnet", [typeof(ShardServer).Assembly.Location, "--shard", "--shard-port", $"{port}"])
        {
            RedirectStandardError = true,
        })!;
        var address = new TaskCompletionSource<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                address.TrySetException(new InvalidOperationException("the shard process ended before it listened"));
            }
            else if (line.Data.StartsWith(Listens, StringComparison.Ordinal))
            {
                address.TrySetResult(line.Data[Listens.Length..]);
            }
        };
        process.BeginErrorReadLine();
        return new ShardProcess(process, await address.Task.WaitAsync(_limit));
    }

    /// <summary>kill −9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }
}
