using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>How ranks on other hosts are started.</summary>
internal sealed class RemoteStartGroup : OptionGroup
{
    private readonly LaunchOption _port;
    private readonly LaunchOption _identity;
    private readonly LaunchOption _program;

    public RemoteStartGroup()
        : base("Start on other hosts")
    {
        _port = Value(["--ssh-port", "-p"], "PORT", "port of ssh on all hosts", "ssh.port");
        _identity = Value(["--ssh-identity-file", "-i"], "FILE", "private key for ssh", "ssh.identity_file");
        _program = Value(["--launcher-exec"], "PROGRAM", "program that is called in place of ssh", "ssh.launcher_exec");
    }

    public RemoteStartOptions Read(LaunchValues values) => new()
    {
        SshPort = values.Last(_port)?.Whole(1, 65535),
        SshIdentityFile = values.Last(_identity) is { } file ? ReadIdentity(file) : null,
        LauncherProgram = values.Last(_program) is { } program ? ReadProgram(program) : null,
    };

    // ssh would go on without the key and ask for a password on a terminal that is not there.
    private static string ReadIdentity(OptionValue file)
    {
        if (!File.Exists(file.Text))
        {
            throw file.Wrong($"takes a file with a private key; there is no file '{file.Text}'");
        }

        string path = Path.GetFullPath(file.Text);
        // Hydra parts ssh's arguments at spaces and knows no quotes.
        return path.Any(char.IsWhiteSpace) ? throw file.Wrong($"takes a path without spaces; this is '{path}'") : path;
    }

    private static string ReadProgram(OptionValue program)
    {
        string text = program.NotEmpty("a program");
        if (!text.Contains('/'))
        {
            return text;
        }

        return File.Exists(text) ? Path.GetFullPath(text) : throw program.Wrong($"takes a program; there is no file '{text}'");
    }
}
