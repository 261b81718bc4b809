using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>Where the rows of a pull are in the answers of the servers; reused.</summary>
/// <remarks>A block is the rows of one table for the keys of one section; blocks are numbered through all sections.</remarks>
internal sealed unsafe class PullState(int servers, TableShapes shapes) : ReplySet(servers)
{
    private readonly int _servers = servers;
    private readonly long[] _rowBytes = new long[servers];
    private readonly long[] _gradientBytes = new long[servers];

    private int[] _firstBlocks = [0];
    private int[] _tables = [];

    // [blocks, servers]: where a server's rows of a block start in its answer, where their gradients start in the push, and where they go:
    // [blocks, servers + 1], in keys.
    private long[] _rowPlaces = [];
    private long[] _gradientPlaces = [];
    private int[] _keyOffsets = [];

    /// <summary>The step whose batch the rows are for.</summary>
    public long Step { get; private set; }

    /// <summary>The number of sections.</summary>
    public int Sections { get; private set; }

    /// <summary>The number of blocks.</summary>
    public int Blocks { get; private set; }

    /// <summary>Bytes of the gradients for one server.</summary>
    public long GradientBytes(int server) => _gradientBytes[server];

    /// <summary>The number of the first block of a section; of the section behind the last, the number of blocks.</summary>
    public int FirstBlock(int section) => _firstBlocks[section];

    /// <inheritdoc/>
    protected override string What => $"the pull of step {Step}";

    /// <summary>Remembers who holds which keys.</summary>
    public void Lay(long step, IReadOnlyList<PullSection> sections)
    {
        Step = step;
        Sections = sections.Count;
        Blocks = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            Blocks += sections[i].Tables.Length;
        }

        MakeRoom();
        Array.Clear(_rowBytes);
        Array.Clear(_gradientBytes);
        int block = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            var section = sections[i];
            _firstBlocks[i] = block;
            foreach (int table in section.Tables)
            {
                LayBlock(block++, table, section.Keys.ShardOffsets);
            }
        }

        _firstBlocks[sections.Count] = block;
    }

    /// <summary>Copies the rows of a block together, as they are in memory.</summary>
    public void CopyRows(int block, nint destination)
    {
        for (int server = 0; server < _servers; server++)
        {
            var (start, numbers) = PlaceOf(block, server);
            byte* source = Envelope.Body(Reply(server)) + _rowPlaces[(block * _servers) + server];
            shapes.RowFormat(_tables[block]).Read((nint)source, destination + (nint)start, numbers);
        }
    }

    /// <summary>Writes a server's part of the gradients of a block; the other way round than <see cref="CopyRows"/>.</summary>
    /// <param name="block">The block.</param>
    /// <param name="server">The server.</param>
    /// <param name="gradients">[keys, Dimension].</param>
    /// <param name="body">Where this ticket's gradients start in the message.</param>
    public void WriteGradients(int block, int server, nint gradients, byte* body)
    {
        var (start, numbers) = PlaceOf(block, server);
        byte* destination = body + _gradientPlaces[(block * _servers) + server];
        shapes.GradientFormat(_tables[block]).Write(gradients + (nint)start, (nint)destination, numbers);
    }

    /// <summary>Whether a block has keys.</summary>
    public bool HasKeys(int block) => _keyOffsets[(block * (_servers + 1)) + _servers] > 0;

    protected override void Check(int server, MessageBuffer message)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.BodyBytes != _rowBytes[server])
        {
            Envelope.Throw(message, $"answers pull {Id} with {header.BodyBytes} bytes of rows instead of {_rowBytes[server]}");
        }
    }

    private void LayBlock(int block, int table, ReadOnlySpan<int> shardOffsets)
    {
        _tables[block] = table;
        shardOffsets.CopyTo(_keyOffsets.AsSpan(block * (_servers + 1)));
        for (int server = 0; server < _servers; server++)
        {
            int keys = shardOffsets[server + 1] - shardOffsets[server];
            _rowPlaces[(block * _servers) + server] = _rowBytes[server];
            _gradientPlaces[(block * _servers) + server] = _gradientBytes[server];
            _rowBytes[server] += shapes.RowBlockBytes(table, keys);
            _gradientBytes[server] += shapes.GradientBlockBytes(table, keys);
        }
    }

    // In bytes where a server's part of a block starts in the trainer's memory, and how many numbers it has.
    private (long Start, long Numbers) PlaceOf(int block, int server)
    {
        int table = _tables[block];
        int place = (block * (_servers + 1)) + server;
        return ((long)_keyOffsets[place] * shapes.RowBytes(table), shapes.Numbers(table, _keyOffsets[place + 1] - _keyOffsets[place]));
    }

    private void MakeRoom()
    {
        if (_firstBlocks.Length < Sections + 1)
        {
            _firstBlocks = new int[Sections + 1];
        }

        if (_tables.Length < Blocks)
        {
            _tables = new int[Blocks];
            _rowPlaces = new long[Blocks * _servers];
            _gradientPlaces = new long[Blocks * _servers];
            _keyOffsets = new int[Blocks * (_servers + 1)];
        }
    }
}
