namespace OpenEmbedding.Collectives;

/// <summary>Copies one rank's bytes to all.</summary>
internal sealed class BroadcastOperation : CollectiveOperation
{
    internal override string Kind => "broadcast";

    internal override string Extent => $"{Bytes} bytes from rank {Root}";

    internal required nint Data { get; init; }

    internal required long Bytes { get; init; }

    /// <summary>The rank within the process set whose bytes are copied.</summary>
    internal required int Root { get; init; }

    internal override void Start()
    {
        for (long done = 0; done < Bytes; done += CallBytes)
        {
            Requests.Add(Communicator.ImmediateBroadcast(Data + (nint)done, Math.Min(CallBytes, Bytes - done), Root));
        }

        IssuedAll();
    }
}
