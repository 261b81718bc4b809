// A model of one's own on the embedding servers: who likes which film, learnt from made-up ratings.
//
//     mpirun -np 4 dotnet OwnModel.dll [FOLDER [STEPS]]
//
// Three lines make it distributed; the rest is ordinary TorchSharp. With a folder the state is saved there every 50 steps, and a job that finds
// one goes on from it.

using System.Globalization;
using System.Text.Json.Nodes;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.Trainer;
using TorchSharp.Modules;
using static TorchSharp.torch;

const int Users = 2_000;
const int Films = 500;
const int BatchSize = 512;
string? folder = args.ElementAtOrDefault(0);
long steps = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 400;

random.manual_seed(1);
using var cluster = Cluster.Start();
var model = cluster.DistributedModel(new Ratings(Users, Films, dimension: 8), new() { Initializer = new RandomNormalOptions { Stddev = 0.3 } });
var optimizer = cluster.DistributedOptimizer(optim.Adagrad(model.parameters(), lr: 0.1));

double error = 0;
if (folder is not null && cluster.HasCheckpoint(folder))
{
    LoadedCheckpoint loaded = cluster.Load(folder);
    error = (double)loaded.State!["error"]!;
    Say($"going on from step {loaded.Step}");
}

using ModelCheckpoint? checkpoint = folder is null ? null : new ModelCheckpoint(cluster, folder, new() { EverySteps = 50 });
while (cluster.Step < steps)
{
    using var scope = NewDisposeScope();

    // The step's own numbers, so that a job that goes on sees what one that never stopped would see.
    var taste = new Random(SeedOf(cluster.Step, cluster.Rank));
    long[] users = [.. Enumerable.Range(0, BatchSize).Select(_ => taste.NextInt64(Users))];
    long[] films = [.. Enumerable.Range(0, BatchSize).Select(_ => taste.NextInt64(Films))];
    float[] likes = [.. users.Zip(films, (user, film) => user % 2 == film % 2 ? 1f : 0f)];

    Tensor loss = nn.functional.mse_loss(model.forward(tensor(users), tensor(films)), tensor(likes));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();

    error = cluster.Step == 1 ? loss.item<float>() : (0.95 * error) + (0.05 * loss.item<float>());
    if (cluster.Step % 100 == 1)
    {
        Say($"step {cluster.Step}: squared error {error:F4}");
    }

    checkpoint?.StepEnd(state: new JsonObject { ["error"] = error });
}

checkpoint?.Finish();
Say($"end: squared error {error:F4} on {cluster.Size} trainers and {cluster.Servers} servers");

void Say(FormattableString line)
{
    if (cluster.Rank == 0)
    {
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }
}

static int SeedOf(long step, int rank) => (int)((step * 1009) + rank);

/// <summary>The score of a user and a film: the product of their embeddings through a small network.</summary>
internal sealed class Ratings : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Embedding _users;
    private readonly Embedding _films;
    private readonly Linear _score;

    public Ratings(long users, long films, long dimension)
        : base(nameof(Ratings))
    {
        // On the meta device the layers take no memory here: their rows live on the servers.
        _users = nn.Embedding(users, dimension, device: META);
        _films = nn.Embedding(films, dimension, device: META);
        _score = nn.Linear(dimension, 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor users, Tensor films) =>
        _score.forward(_users.forward(users) * _films.forward(films)).squeeze(-1);
}
