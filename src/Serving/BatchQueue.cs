using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving;

/// <summary>
/// Computes requests, a few at the same time. A request that finds a free turn is computed at once; those that wait for one are put together into
/// batches of the same version. One that fails fails alone.
/// </summary>
/// <remarks>Any thread may call it.</remarks>
internal sealed class BatchQueue(ServeOptions options, ServingMetrics metrics)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiting> _waiting = [];
    private long _waitingRows;
    private int _computing;

    // Of the batch that waits for company; completed when there is enough of it.
    private TaskCompletionSource? _gathering;

    /// <summary>The output of each row.</summary>
    /// <param name="version">The version, held; it is released when its rows are computed or given up.</param>
    /// <param name="columns">The rows.</param>
    /// <param name="stop">The client is gone.</param>
    /// <exception cref="RequestException">Too many requests wait (503), or the answer came too late (504).</exception>
    public Task<float[]> Predict(ModelVersion version, FeatureColumns columns, CancellationToken stop)
    {
        Waiting? request = null;
        lock (_lock)
        {
            bool isFree = _computing < options.Concurrency;

            // One that finds a free turn and no batch waits for nobody: it begins a batch.
            bool waits = !isFree || _gathering is not null;
            if (waits && _waiting.Count >= options.Waiting)
            {
                version.Release();
                throw RequestException.Busy();
            }

            if (!isFree || options.Company > TimeSpan.Zero)
            {
                request = new Waiting(version, columns);
                Add(request);
                StartWhereFree();
            }
            else
            {
                _computing++;
            }
        }

        return request is null ? ComputeAtOnce(version, columns, stop) : WaitFor(request, stop);
    }

    private async Task<float[]> ComputeAtOnce(ModelVersion version, FeatureColumns columns, CancellationToken stop)
    {
        try
        {
            metrics.CountBatch(columns.Rows);
            return await version.Predict(columns, stop);
        }
        finally
        {
            version.Release();
            lock (_lock)
            {
                _computing--;
                StartWhereFree();
            }
        }
    }

    private async Task<float[]> WaitFor(Waiting request, CancellationToken stop)
    {
        try
        {
            return await request.Answer.Task.WaitAsync(options.Timeout, stop);
        }
        catch (TimeoutException)
        {
            request.Answer.TrySetCanceled(CancellationToken.None);
            throw RequestException.Late(options.Timeout);
        }
        catch (OperationCanceledException)
        {
            request.Answer.TrySetCanceled(CancellationToken.None);
            throw;
        }
    }

    private void Add(Waiting request)
    {
        _waiting.AddLast(request);
        _waitingRows += request.Columns.Rows;
        if (_waitingRows >= options.LargestBatch)
        {
            _gathering?.TrySetResult();
        }
    }

    // While a batch waits for company, requests are its company.
    private void StartWhereFree()
    {
        if (_waiting.Count > 0 && _gathering is null && _computing < options.Concurrency)
        {
            _computing++;
            _gathering = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (options.Company == TimeSpan.Zero || _waitingRows >= options.LargestBatch)
            {
                _gathering.SetResult();
            }

            _ = Task.Run(ComputeBatch);
        }
    }

    private async Task ComputeBatch()
    {
        Task enough;
        lock (_lock)
        {
            enough = _gathering!.Task;
        }

        if (!enough.IsCompleted)
        {
            // Timers know whole milliseconds.
            await Task.WhenAny(enough, Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(options.Company.TotalMilliseconds))));
        }

        List<Waiting> batch;
        lock (_lock)
        {
            _gathering = null;
            batch = Take();
            StartWhereFree();
        }

        await Compute(batch);
        batch.ForEach(request => request.Version.Release());
        lock (_lock)
        {
            _computing--;
            StartWhereFree();
        }
    }

    // The oldest request with all others of its version that there is room for, in their order.
    private List<Waiting> Take()
    {
        var batch = new List<Waiting>();
        int rows = 0;
        LinkedListNode<Waiting>? next;
        for (LinkedListNode<Waiting>? node = _waiting.First; node is not null; node = next)
        {
            next = node.Next;
            Waiting request = node.Value;
            bool isGivenUp = request.Answer.Task.IsCompleted;
            if (isGivenUp)
            {
                request.Version.Release();
            }
            else if ((batch.Count == 0 || request.Version == batch[0].Version) && rows + request.Columns.Rows <= options.LargestBatch)
            {
                batch.Add(request);
                rows += request.Columns.Rows;
            }
            else
            {
                continue;
            }

            _waiting.Remove(node);
            _waitingRows -= request.Columns.Rows;
        }

        return batch;
    }

    private async Task Compute(List<Waiting> batch)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            FeatureColumns rows = batch.Count == 1 ? batch[0].Columns : FeatureColumns.Join([.. batch.Select(request => request.Columns)]);
            metrics.CountBatch(rows.Rows);
            float[] outputs = await batch[0].Version.Predict(rows, CancellationToken.None);
            int first = 0;
            foreach (Waiting request in batch)
            {
                request.Answer.TrySetResult(outputs[first..(first + request.Columns.Rows)]);
                first += request.Columns.Rows;
            }
        }
        catch (Exception e) when (batch.Count == 1)
        {
            batch[0].Answer.TrySetException(e);
        }
        catch (Exception)
        {
            // One of them is to blame; the others get their answers.
            foreach (Waiting request in batch)
            {
                await Compute([request]);
            }
        }
    }

    /// <summary>A request that waits to be computed.</summary>
    private sealed class Waiting(ModelVersion version, FeatureColumns columns)
    {
        public ModelVersion Version => version;

        public FeatureColumns Columns => columns;

        /// <summary>The outputs; canceled when nobody waits for them any more.</summary>
        public TaskCompletionSource<float[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
