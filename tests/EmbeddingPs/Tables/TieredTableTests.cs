using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public sealed class TieredTableTests : IDisposable
{
    private const int Rows = 5000;
    private const int Batch = 200;

    private static readonly TableOptions Options = new()
    {
        Name = "embedding/C1",
        Kind = TableKind.Hash,
        Dimension = 5,
        Optimizer = new AdamOptions(),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("tiered-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(TableKind.Hash, 500)]
    [InlineData(TableKind.Array, 500)]
    [InlineData(TableKind.Hash, 10)]
    [InlineData(TableKind.Array, 1)]
    public void Rows_are_the_same_as_in_memory_however_few_fit(TableKind kind, long cache)
    {
        var options = Options with { Kind = kind, Vocabulary = Rows };
        using var expected = EmbeddingTable.Create(options, 0, 1);
        using var table = Create(cache, options);
        Train(1, 100, expected, table);
        Assert.Equal(expected.RowCount, table.RowCount);
        Assert.Equal(expected.ScanAll(64), table.ScanAll(64));
        Assert.True(table.Log.RowsRead > 1000, $"only {table.Log.RowsRead} rows were read");
    }

    [Fact]
    public void Reading_brings_nothing_into_memory()
    {
        using var table = Create(100);
        Train(1, 50, table);
        long[] before = table.Find(AllKeys());
        float[] read = table.Read(AllKeys());
        Assert.Equal(before, table.Find(AllKeys()));
        Assert.Equal(read, table.Read(AllKeys()));
    }

    [Fact]
    public void Rows_of_outstanding_pulls_stay_and_the_others_keep_to_the_cache()
    {
        using var table = Create(100);
        long[] pinned = [.. Enumerable.Range(0, 300)];
        long[] rows = table.FindOrAdd(pinned);
        Train(1, 30, table);
        Assert.Equal(rows, table.Find(pinned));
        table.Release(rows);
        Train(31, 60, table);
        Assert.True(table.Find(AllKeys()).Count(row => row >= 0) <= 700, "more rows are in memory than were ever needed at once");
    }

    [Fact]
    public void The_files_stay_small_while_rows_change_again_and_again()
    {
        using var table = Create(100);
        Train(1, 600, table);
        long rowBytes = table.StoredBytes + 20;
        Assert.True(table.Log.FileBytes < (rowBytes * table.RowCount * 3) + (8 << 16), $"{table.Log.FileBytes} bytes for {table.RowCount} rows");
    }

    [Theory]
    [InlineData(20)]
    [InlineData(600)]
    public void A_capture_that_is_read_late_has_the_rows_as_they_were(int cache)
    {
        using var table = Create(cache);
        Train(1, 50, table);
        var expected = table.ScanAll(64);
        var captured = new CapturedRows();
        Assert.Equal(expected.Count, table.BeginCapture(CaptureScope.Alone, captured));
        Train(51, 400, table);
        Assert.NotEqual(expected, table.ScanAll(64));
        while (table.Capture() || table.CaptureSource!.Give(captured))
        {
        }

        table.EndCapture();
        Assert.Equal(expected, captured.Rows);

        // What only the capture needed is used again.
        Train(401, 600, table);
        Assert.True(table.Log.FileBytes < ((table.StoredBytes + 20) * table.RowCount * 3) + (8 << 16), $"{table.Log.FileBytes} bytes for {table.RowCount} rows");
    }

    [Fact]
    public void A_checkpoint_is_recovered_whatever_came_after_it()
    {
        var expected = new SortedDictionary<long, float[]>();
        using (var table = Create(300))
        {
            Train(1, 50, table);
            table.SaveCheckpoint(50);
            expected = table.ScanAll(64);
            Train(51, 250, table);
        }

        using var recovered = Create(300);
        recovered.Recover(50);
        Assert.Equal(expected.Count, recovered.RowCount);
        Assert.Equal(expected, recovered.ScanAll(64));
    }

    [Fact]
    public void Training_goes_on_after_recovery_as_if_nothing_had_happened()
    {
        using var whole = EmbeddingTable.Create(Options, 0, 1);
        Train(1, 120, whole);
        using (var table = Create(300))
        {
            Train(1, 40, table);
            table.SaveCheckpoint(40);
            Train(41, 80, table);
            table.SaveCheckpoint(80);
            Train(81, 90, table);
        }

        using (var again = Create(50))
        {
            again.Recover(80);
            Train(81, 100, again);
            again.SaveCheckpoint(100);
            again.DropCheckpointsBefore(100);
            Train(101, 110, again);
        }

        using var last = Create(500);
        last.Recover(100);
        Train(101, 120, last);
        Assert.Equal(whole.ScanAll(64), last.ScanAll(64));
        Assert.Single(Directory.GetFiles(_folder, "*.step-*"));
    }

    [Fact]
    public void Of_two_checkpoints_either_can_be_recovered()
    {
        SortedDictionary<long, float[]> first;
        using (var table = Create(100))
        {
            Train(1, 20, table);
            table.SaveCheckpoint(20);
            first = table.ScanAll(64);
            Train(21, 200, table);
            table.SaveCheckpoint(200);
        }

        using var recovered = Create(100);
        recovered.Recover(20);
        Assert.Equal(first, recovered.ScanAll(64));
    }

    [Fact]
    public void Without_a_checkpoint_no_file_is_left()
    {
        using (var table = Create(100))
        {
            Train(1, 20, table);
            Assert.NotEmpty(Directory.GetFiles(_folder));
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(".rows", "has 65536 bytes; the checkpoint of step 20 needs")]
    [InlineData(".slots", "ends at byte")]
    [InlineData(".step-000000020", "is damaged or no checkpoint of a table")]
    public void A_truncated_file_is_one_line(string end, string message)
    {
        SaveOne();
        string path = Assert.Single(Directory.GetFiles(_folder, "*" + end));
        using (var file = new FileStream(path, FileMode.Open))
        {
            file.SetLength(end == ".rows" ? 65536 : file.Length / 3);
        }

        AssertRecoverFails(message);
    }

    [Theory]
    [InlineData(".slots", 5, "is corrupt at segment 0 of the checkpoint of step 20")]
    [InlineData(".step-000000020", 30, "is damaged or no checkpoint of a table")]
    public void A_changed_byte_is_one_line(string end, int place, string message)
    {
        SaveOne();
        Flip(end, place);
        AssertRecoverFails(message);
    }

    [Fact]
    public void A_changed_row_is_found_when_it_is_read()
    {
        SaveOne();
        string path = Assert.Single(Directory.GetFiles(_folder, "*.rows"));
        File.WriteAllBytes(path, [.. File.ReadAllBytes(path).Select(value => (byte)(value ^ 1))]);
        using var table = Create(100);
        table.Recover(20);
        var error = Assert.Throws<OpenEmbeddingException>(() => table.Read(AllKeys()));
        Assert.Contains("embedding%2FC1.server-0-of-1.rows is corrupt at byte ", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    [Fact]
    public void The_store_of_another_table_is_refused()
    {
        SaveOne();
        using var table = Create(100, Options with { Dimension = 6 });
        var error = Assert.Throws<OpenEmbeddingException>(() => table.Recover(20));
        Assert.Contains("5 × Float32", error.Message);
        Assert.Contains("needed is table embedding/C1, shard 0 of 1, Hash of 0, 6 × Float32", error.Message);
    }

    [Fact]
    public void A_step_without_a_checkpoint_is_one_line()
    {
        SaveOne();
        AssertRecoverFails("cannot read the checkpoint of step 21", 21);
    }

    [Fact]
    public void Two_tables_on_the_same_files_are_refused()
    {
        using var first = Create(100);
        var error = Assert.Throws<OpenEmbeddingException>(() => Create(100));
        Assert.StartsWith($"Table embedding/C1: cannot open {_folder}/embedding%2FC1.server-0-of-1.rows: ", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_one_line()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var error = Assert.Throws<OpenEmbeddingException>(
            () => EmbeddingTable.Create(Options, 0, 1, new TableStorage(Path.Combine(file, "rows"), 100)));
        Assert.StartsWith($"Table embedding/C1: cannot open {file}/rows/embedding%2FC1.server-0-of-1.rows: ", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_full_disk_is_one_line()
    {
        // The device that is always full.
        File.CreateSymbolicLink(Path.Combine(_folder, "embedding%2FC1.server-0-of-1.slots"), "/dev/full");
        var error = Assert.Throws<OpenEmbeddingException>(() =>
        {
            using var table = Create(100);
            Train(1, 100, table);
        });
        Assert.StartsWith("Table embedding/C1: cannot ", error.Message);
        Assert.Contains(".slots", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void The_cache_is_dealt_by_rows_and_small_tables_need_no_more_than_theirs()
    {
        var tables = new[] { 100, 1_000_000, 2_000_000 }
            .Select(vocabulary => Options with { Kind = TableKind.Array, Vocabulary = vocabulary })
            .Append(Options with { Dimension = 1, Optimizer = new AdagradOptions() })
            .ToArray();
        long frame = TieredTable.FrameBytes(Options);
        var shares = CacheShares.Deal(new StorageOptions(_folder, 2100 * frame), tables, 1);
        Assert.Equal([100L, 1000, 1000, null], shares.Select(share => share?.Rows));
    }

    private static long[] AllKeys() => [.. Enumerable.Range(0, Rows)];

    private TieredTable Create(long cache, TableOptions? options = null) =>
        (TieredTable)EmbeddingTable.Create(options ?? Options, 0, 1, new TableStorage(_folder, cache));

    private void SaveOne()
    {
        using var table = Create(100);
        Train(1, 20, table);
        table.SaveCheckpoint(20);
    }

    private void Flip(string end, int place)
    {
        string path = Assert.Single(Directory.GetFiles(_folder, "*" + end));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[place] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private void AssertRecoverFails(string message, long step = 20)
    {
        using var table = Create(100);
        var error = Assert.Throws<OpenEmbeddingException>(() => table.Recover(step));
        Assert.StartsWith("Table embedding/C1: ", error.Message);
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    /// <summary>The same steps for every table: skewed keys, gradients by step and key.</summary>
    private static void Train(int first, int last, params EmbeddingTable[] tables)
    {
        for (int step = first; step <= last; step++)
        {
            var random = new Random(step);
            long[] keys = [.. Enumerable.Range(0, Batch).Select(_ => (long)(Rows * Math.Pow(random.NextDouble(), 3))).Distinct()];
            float[] gradients = [.. keys.SelectMany(key => Enumerable.Range(0, Options.Dimension).Select(i => (float)Math.Sin(step + key + i)))];
            foreach (var table in tables)
            {
                long[] rows = table.FindOrAdd(keys);
                table.Step = step;
                table.Apply(rows, gradients);
                table.Release(rows);
            }
        }
    }

    private sealed class CapturedRows : IRowSink
    {
        public SortedDictionary<long, float[]> Rows { get; } = [];

        public unsafe void Take(ReadOnlySpan<long> keys, ReadOnlySpan<nint> rows)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                Rows.Add(keys[i], new ReadOnlySpan<float>((void*)rows[i], Options.Dimension).ToArray());
            }
        }
    }
}
