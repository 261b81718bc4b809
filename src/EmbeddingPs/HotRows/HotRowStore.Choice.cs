using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <content>The replicas, and the choice of the hot keys.</content>
public sealed unsafe partial class HotRowStore
{
    // By table; null where no row is replicated.
    private ReplicatedRows?[] _replicas = [];
    private ReplicaUse[] _use = [];
    private int[] _storedBytes = [];
    private SummedGradients _sums = null!;
    private HotKeySet _hot = null!;
    private int[] _hotCounts = [];
    private KeyCounts _counts = null!;
    private MessageBuffer? _report;
    private MessageBuffer? _reports;
    private long _countedSteps;
    private long _chosenAt;

    private void CreateReplicas(TableShapes shapes)
    {
        _hot = new HotKeySet([], _spaces.Count);
        _counts = new KeyCounts();
        _use = new ReplicaUse[shapes.Count];
        _replicas = new ReplicatedRows?[shapes.Count];
        _storedBytes = new int[shapes.Count];
        for (int i = 0; i < shapes.Count; i++)
        {
            var table = EmbeddingTable.Create(shapes.Tables[i], 0, 1);
            _storedBytes[i] = table.StoredBytes;
            if (_spaces.IsWhole(_spaces.Of(i)))
            {
                _replicas[i] = new ReplicatedRows(table);
            }
            else
            {
                table.Dispose();
            }
        }

        _sums = new SummedGradients(_replicas.OfType<ReplicatedRows>());
    }

    private void FreeReplicas()
    {
        foreach (var rows in _replicas)
        {
            rows?.Dispose();
        }

        _sums?.Dispose();
        _report?.Dispose();
        _reports?.Dispose();
    }

    private void CountKeys(SplitPart part)
    {
        if (part.IsWhole)
        {
            return;
        }

        int first = _hot.First(part.Space);
        foreach (long slot in part.Slots)
        {
            _hotCounts[first + slot]++;
        }

        if (part.ColdSection >= 0)
        {
            _counts.Add(part.Space, part.Cold.Keys);
        }
    }

    private void CountUse(SplitPart part)
    {
        if (part.Slots.IsEmpty)
        {
            return;
        }

        foreach (int table in part.Tables)
        {
            _use[table].Pulls++;
            _use[table].KeysPulled += part.Slots.Length;
        }
    }

    /// <summary>Starts to tell all trainers what this one counted.</summary>
    private void BeginChoice()
    {
        int bytes = HotKeySelection.ReportBytes(_hotCounts.Length, _options.HotRows);
        _report = MessageBuffer.Rent(bytes);
        _reports = MessageBuffer.Rent((long)bytes * _exchange.Trainers);
        HotKeySelection.WriteReport(new Span<byte>((void*)_report.Pointer, bytes), _hotCounts, _counts, _hot, _options.HotRows);
        _exchange.BeginGather(_report.Pointer, _reports.Pointer, bytes);
        Count(_reports.Length - bytes, bytes);
    }

    /// <summary>Chooses the hot keys for a step, if that is due; all steps before it are pushed and applied to the replicas.</summary>
    private void ChooseFor(long step)
    {
        if (_schedule.LastChoice(step) == _chosenAt)
        {
            return;
        }

        _chosenAt = _schedule.LastChoice(step);
        var keys = HotKeySelection.Choose(
            _hot,
            new Span<byte>((void*)_reports!.Pointer, checked((int)_reports.Length)),
            _exchange.Trainers,
            _countedSteps * _exchange.Trainers,
            _options.HotRows);
        _report!.Dispose();
        _reports.Dispose();
        _report = _reports = null;
        if (!_hot.Keys.SequenceEqual(keys))
        {
            Replace(new HotKeySet(keys, _spaces.Count));
        }

        _countedSteps /= 2;
        _counts.Age();
        foreach (ref int count in _hotCounts.AsSpan())
        {
            count /= 2;
        }
    }

    private void Replace(HotKeySet hot)
    {
        using var movement = new HotRowMovement(_hot, hot, _spaces, Shapes, _storedBytes, _replicas);
        _servers.MoveRows(movement.Moves);
        for (int table = 0; table < _replicas.Length; table++)
        {
            if (!_spaces.IsWhole(_spaces.Of(table)))
            {
                var rows = movement.CreateRows(table);
                _replicas[table]?.Dispose();
                _replicas[table] = rows;
            }
        }

        _sums.Dispose();
        _sums = new SummedGradients(_replicas.OfType<ReplicatedRows>());
        CarryCounts(hot);
        _hot = hot;
    }

    private void CarryCounts(HotKeySet hot)
    {
        int[] counts = new int[hot.Keys.Length];
        for (int i = 0; i < counts.Length; i++)
        {
            var key = hot.Keys[i];
            int before = _hot.Find(key.Space, key.Key);
            counts[i] = before >= 0 ? _hotCounts[before] : _counts.Of(key);
        }

        for (int i = 0; i < _hotCounts.Length; i++)
        {
            var key = _hot.Keys[i];
            if (_hotCounts[i] > 0 && hot.Find(key.Space, key.Key) < 0)
            {
                _counts.Set(key, _hotCounts[i]);
            }
        }

        _hotCounts = counts;
    }
}
