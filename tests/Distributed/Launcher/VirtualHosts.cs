using System.Diagnostics;
using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Launcher;

/// <summary>Three hosts on this machine, made by <c>scripts/virtual_hosts.sh</c>.</summary>
public sealed class VirtualHosts : IDisposable
{
    private const string Prefix = "10.231.78.";
    private static readonly string _script = Path.Combine(OeTrain.Root, "scripts/virtual_hosts.sh");

    public VirtualHosts()
    {
        if (Call("up", "3") is { } problem)
        {
            throw new InvalidOperationException(problem);
        }
    }

    /// <summary>Why this machine cannot have them; null if it can.</summary>
    public static string? WhyNot { get; } = Call("up", "1");

    /// <summary>The hosts with so many slots each, as <c>-H</c> takes them.</summary>
    public static string List(params int[] slots) => string.Join(',', slots.Select((count, i) => $"{Prefix}{i + 1}:{count}"));

    /// <summary>Starts <c>oe-run</c> on the first host.</summary>
    /// <param name="arguments">Its arguments.</param>
    public MpiJob Start(params string[] arguments)
    {
        string[] words =
        [
            Path.Combine(OeTrain.Root, "bin/oe-run"), "--launcher-exec", Path.Combine(OeTrain.Root, "scripts/virtual_hosts_ssh.sh"), "--network-interfaces", "eth0", "--tcp",
            .. arguments,
        ];
        // The script takes a command line for a shell, as ssh does.
        return MpiJob.Start([_script, "ssh", Prefix + "1", string.Join(' ', words.Select(word => $"'{word}'"))], timeout: OeTrain.Limit);
    }

    public void Cut(int host) => Assert.Null(Call("cut", $"{host}"));

    public void Heal(int host) => Assert.Null(Call("heal", $"{host}"));

    public void Kill(int host) => Assert.Null(Call("kill", $"{host}"));

    public void Dispose() => Call("down");

    /// <returns>What went wrong; null when nothing did.</returns>
    private static string? Call(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(_script, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error + output.Result;
    }
}

/// <summary>A test that needs <see cref="VirtualHosts"/>; skipped, with the reason, where there can be none.</summary>
public sealed class HostsFactAttribute : FactAttribute
{
    public HostsFactAttribute()
    {
        Skip = VirtualHosts.WhyNot;
    }
}

/// <summary>A theory that needs <see cref="VirtualHosts"/>; see <see cref="HostsFactAttribute"/>.</summary>
public sealed class HostsTheoryAttribute : TheoryAttribute
{
    public HostsTheoryAttribute()
    {
        Skip = VirtualHosts.WhyNot;
    }
}
