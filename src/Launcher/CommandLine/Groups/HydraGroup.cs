using System.CommandLine.Parsing;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>Cores for the ranks, and whatever else hydra may be told.</summary>
internal sealed class HydraGroup : OptionGroup
{
    private static readonly string[] _units = ["core", "hwthread", "numa", "socket"];

    private readonly LaunchOption _bindTo;
    private readonly LaunchOption _bindingArguments;
    private readonly LaunchOption _arguments;

    public HydraGroup()
        : base("Cores and MPI")
    {
        _bindTo = Value(["--bind-to"], "UNIT", "bind each rank: core, core:N, hwthread, numa, socket; none by default", "mpi.bind_to");
        _bindingArguments = Value(["--binding-args"], "ARGS", "mpirun's arguments for binding, as \"-bind-to core:2 -map-by socket\"", "mpi.binding_args");
        _arguments = Value(["--mpi-args"], "ARGS", "other arguments of mpirun, as \"-print-all-exitcodes\"", "mpi.args");
    }

    public HydraOptions Read(LaunchValues values)
    {
        OptionValue? unit = values.Last(_bindTo);
        OptionValue? arguments = values.Last(_bindingArguments);
        if (unit is not null && arguments is not null)
        {
            unit.Contradicts(arguments, "both bind the ranks; give one of them");
        }

        return new HydraOptions
        {
            Binding = unit is not null ? ReadUnit(unit) : arguments is not null ? Split(arguments) : [],
            Arguments = [.. values.All(_arguments).SelectMany(Split)],
        };
    }

    private static string[] ReadUnit(OptionValue unit)
    {
        if (unit.Text == "none")
        {
            return [];
        }

        string[] parts = unit.Text.Split(':', 2);
        if (!_units.Contains(parts[0]) || (parts.Length == 2 && !(int.TryParse(parts[1], out int number) && number >= 1)))
        {
            throw unit.Wrong($"takes none, {string.Join(", ", _units)}, or one of these with a number, as core:4; this is '{unit.Text}'");
        }

        return ["-bind-to", unit.Text];
    }

    // What is no option of mpirun would be taken for the program of the ranks.
    private static string[] Split(OptionValue arguments)
    {
        string[] words = [.. CommandLineParser.SplitCommandLine(arguments.Text)];
        return words.Length > 0 && words[0].StartsWith('-')
            ? words
            : throw arguments.Wrong($"takes arguments of mpirun, the first of which starts with '-'; this is '{arguments.Text}'");
    }
}
