using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.TestProgram;

// One program for all jobs of the tests of the collectives: the first argument names what the ranks do, name=value ones set options.
string Option(string name, string value) =>
    args.FirstOrDefault(arg => arg.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..] ?? value;

var options = new CommunicationOptions
{
    CallBytes = long.Parse(Option("call_bytes", "1073741824"), CultureInfo.InvariantCulture),
    FusionBufferBytes = long.Parse(Option("fusion_bytes", "67108864"), CultureInfo.InvariantCulture),
    StallWarning = TimeSpan.FromSeconds(double.Parse(Option("stall_seconds", "60"), CultureInfo.InvariantCulture)),
    Timeline = Option("timeline", "") is { Length: > 0 } path ? path : null,
};

return Communication.Run(
    communication =>
    {
        Action<Communication> job = args[0] switch
        {
            "collectives" => CollectiveChecks.Run,
            "messages" => MessageChecks.Run,
            "sets" => SetChecks.Run,
            "join" => JoinChecks.Run,
            "threads" => ThreadChecks.Run,
            "errors" => ErrorChecks.Run,
            "large" => LargeChecks.Run,
            "latency" => Latency.Run,
            "bandwidth" => Bandwidth.Run,
            "late" => job => Situations.ComeLate(job, Option("fifo", "")),
            "stuck" => Situations.Stick,
            "fail" => Situations.Fail,
            "leave" => Situations.LeaveWithCode,
            "meet" => job => job.World.Barrier(),
            _ => throw new OpenEmbeddingException($"no job is named \"{args[0]}\"", JobExitCode.Configuration),
        };
        job(communication);
        return JobExitCode.Success;
    },
    options);
