namespace OpenEmbedding.Collectives;

/// <summary>Waits until every rank has come this far.</summary>
internal sealed class BarrierOperation : CollectiveOperation
{
    internal override string Kind => "barrier";

    internal override string Extent => "no data";

    internal override void Start()
    {
        Requests.Add(Communicator.ImmediateBarrier());
        IssuedAll();
    }
}
