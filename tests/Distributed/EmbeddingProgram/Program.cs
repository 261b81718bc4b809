using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Replicas;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.TestProgram;

// Trains embeddings with made-up gradients on every rank and compares every row with a table of its own: STRATEGY SERVERS [different].
string strategy = args[0];
string tables = args.Length > 2 ? args[2] : "same";
if (!ServerCount.TryParse(args[1], out var servers))
{
    throw new ArgumentException($"\"{args[1]}\" is no number of servers.");
}

return Communication.Run(communication =>
{
    var layout = strategy == "ps"
        ? ClusterLayout.Create(servers, communication.Hosts)
        : new ClusterLayout([.. Enumerable.Range(0, communication.Size)], []);
    var trainers = communication.CreateProcessSet(layout.Trainers);
    bool serves = layout.ShardOf(communication.Rank) >= 0;
    if (serves && !trainers.IsMember)
    {
        new EmbeddingServer(communication.Messenger, layout, 0).Run();
        return JobExitCode.Success;
    }

    var beside = new Thread(() => Serve(communication, layout));
    if (serves)
    {
        beside.Start();
    }

    using (IEmbeddingStore store = strategy switch
    {
        "allgather" => new AllGatherStore(trainers),
        "allreduce" => new AllReduceStore(trainers),
        _ => new EmbeddingClient(communication.Messenger, layout, 0),
    })
    {
        using var job = new MadeUpJob(store, trainers, onlyArrays: strategy == "allreduce", different: tables == "different");
        job.Run(steps: 8);
    }

    if (serves)
    {
        beside.Join();
    }

    return JobExitCode.Success;
});

static void Serve(Communication communication, ClusterLayout layout)
{
    try
    {
        new EmbeddingServer(communication.Messenger, layout, 0).Run();
    }
    catch (OpenEmbeddingException e)
    {
        Console.Error.WriteLine($"rank {communication.Rank}: {e.Message}");
        communication.Abort(e.ExitCode);
    }
}
