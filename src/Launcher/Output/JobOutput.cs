using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.Output;

/// <summary>Takes one stream of hydra's, standard output or standard error, and passes on what each rank wrote: to the console and to its file.</summary>
internal sealed class JobOutput : Stream
{
    private readonly object _gate = new();
    private readonly string _name;
    private readonly TextWriter _messages;
    private readonly RankFiles? _files;
    private readonly PrefixedLines? _lines;
    private readonly RankSplitter? _splitter;
    private Stream? _console;
    private bool _finished;

    /// <param name="console">Where the output goes.</param>
    /// <param name="name">What messages call that.</param>
    /// <param name="messages">Takes a line when nothing can be written there any more.</param>
    /// <param name="marker">The marker that hydra was told; null for none, and then all passes through as it is.</param>
    /// <param name="prefix">What stands before each line on the console.</param>
    /// <param name="files">The files of the ranks; null for none. They are disposed with this.</param>
    public JobOutput(
        Stream console, string name, TextWriter messages, RankMarker? marker = null, LinePrefix prefix = LinePrefix.None, RankFiles? files = null)
    {
        _console = console;
        _name = name;
        _messages = messages;
        _files = files;
        _lines = prefix == LinePrefix.None ? null : new PrefixedLines(WriteConsole, prefix, TimeProvider.System);
        _splitter = marker is null ? null : new RankSplitter(marker, Take);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_gate)
        {
            if (_finished)
            {
                // A process that holds the output open after the end of the job.
                return;
            }

            if (_splitter is null)
            {
                WriteConsole(buffer);
            }
            else
            {
                _splitter.Write(buffer);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // The console has no buffer.
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            if (disposing && !_finished)
            {
                _finished = true;
                _splitter?.Finish();
                _lines?.Finish();
                _files?.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private void Take(int rank, ReadOnlySpan<byte> bytes)
    {
        _files?.Write(rank, bytes);
        if (_lines is null)
        {
            WriteConsole(bytes);
        }
        else
        {
            _lines.Add(rank, bytes);
        }
    }

    // Output that nobody reads, as behind "| head", must be read from the ranks all the same, or they would wait for ever.
    private void WriteConsole(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _console?.Write(bytes);
        }
        catch (IOException e)
        {
            _console = null;
            _messages.WriteLine($"oe-run: {_name} cannot be written any more: {e.Message}; the job goes on");
        }
    }
}
