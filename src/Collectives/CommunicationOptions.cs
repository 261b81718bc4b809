namespace OpenEmbedding.Collectives;

/// <summary>Settings of the communication of a job; the same on every rank.</summary>
public sealed record CommunicationOptions
{
    /// <summary>The size of the buffer that packs the tensors of a grouped all-reduce, in bytes; at least 1, default 64 MiB.</summary>
    public long FusionBufferBytes { get; init; } = 64L << 20;

    /// <summary>
    /// The longest sleep of a waiting rank between two looks for messages, at least <see cref="ShortestCycleTime"/>; null, the default, is 4 ms where
    /// all ranks share a host and ring each other, else 1 ms.
    /// </summary>
    public TimeSpan? CycleTime { get; init; }

    /// <summary>The shortest <see cref="CycleTime"/>: 0.05 ms.</summary>
    public static TimeSpan ShortestCycleTime { get; } = TimeSpan.FromMicroseconds(BackOff.ShortestMicroseconds);

    /// <summary>How long ranks may wait for others before a line names what waits and the ranks that are missing; default 60 s, zero turns it off.</summary>
    public TimeSpan StallWarning { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long ranks may wait for others until the job ends with <see cref="JobExitCode.Stalled"/>; default zero, which is for ever.</summary>
    public TimeSpan StallShutdown { get; init; }

    /// <summary>The file for the timeline of all ranks' operations, in Chrome's trace format; null for none.</summary>
    public string? Timeline { get; init; }

    /// <summary>Whether Ctrl-C and SIGTERM end the whole job with exit code 130; default true. Read at start only.</summary>
    public bool HandleSignals { get; init; } = true;

    /// <summary>The most bytes that go into one call of MPI; tests lower it to take the ways of long buffers. Read at start only.</summary>
    internal long CallBytes { get; init; } = 1L << 30;
}
