namespace OpenEmbedding.Collectives;

/// <content>Uneven ranks.</content>
public sealed unsafe partial class ProcessSet
{
    /// <summary>
    /// Waits until every member has joined; until then the all-reduces of those still at work go on, in which this rank takes part with
    /// zeros (for minimum, maximum and product: with their neutral element). An average still divides by <see cref="Size"/>.
    /// </summary>
    /// <returns>The rank within the set that joined last: the one that ran most operations, of several the highest.</returns>
    /// <exception cref="OpenEmbeddingException">A rank at work began an operation other than an all-reduce.</exception>
    /// <example><code>
    /// while (reader.Read(batch))
    /// {
    ///     set.AllReduce(GradientOf(batch));
    /// }
    ///
    /// var longest = set.Join();
    /// </code></example>
    public int Join()
    {
        CheckMember();
        if (IsAlone)
        {
            return 0;
        }

        var pending = NewPending();
        _communication.Joins!.Submit(_lane!, pending);
        pending.Wait();
        var last = Array.IndexOf([.. Ranks], _lane!.LastJoined);

        // Nobody joins again before everybody has taken note of this end.
        Barrier("join");
        return last;
    }

    /// <summary>Makes the part that a rank that joined takes in a reduction of others, on neutral elements.</summary>
    internal ReductionOperation NewJoined(nint data, ControlMessage reduce)
    {
        var segments = new Segment[reduce.Rounds!.Length];
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = new Segment(data, reduce.Rounds[i]);
            data += (nint)(reduce.Rounds[i] * reduce.Type.SizeOf());
        }

        // No two rounds fit this buffer together: each is a reduction of its own, as on the ranks at work.
        return NewGrouped("joined", segments, reduce.Type, reduce.Operation, bufferElements: 0);
    }
}
