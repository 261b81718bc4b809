using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>A value that the command line or a configuration file gives.</summary>
/// <param name="Origin">What messages call it: the option's name, or file, line and key.</param>
/// <param name="Text">The value.</param>
internal sealed record OptionValue(string Origin, string Text)
{
    private const string SwitchOn = "true";
    private const string SwitchOff = "false";

    /// <summary>Whether this is the value of a switch that is on.</summary>
    public bool IsOn => Text == SwitchOn;

    /// <summary>The value of a switch.</summary>
    public static OptionValue OfSwitch(string origin, bool on) => new(origin, on ? SwitchOn : SwitchOff);

    /// <summary>The value as a whole number within bounds.</summary>
    /// <exception cref="OpenEmbeddingException">It is none.</exception>
    public int Whole(int minimum, int maximum = int.MaxValue)
    {
        if (int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum)
        {
            return number;
        }

        string allowed = maximum == int.MaxValue ? $"of at least {minimum}" : $"from {minimum} to {maximum}";
        throw Wrong($"takes a whole number {allowed}; this is '{Text}'");
    }

    /// <summary>The value, which must not be empty.</summary>
    /// <exception cref="OpenEmbeddingException">It is.</exception>
    public string NotEmpty(string what) => Text.Length > 0 ? Text : throw Wrong($"takes {what}; this is ''");

    /// <summary>The error about this value.</summary>
    public OpenEmbeddingException Wrong(string message) => new($"{Origin} {message}", JobExitCode.Configuration);

    /// <summary>Refuses this value beside another one.</summary>
    [DoesNotReturn]
    public void Contradicts(OptionValue other, string message) =>
        throw new OpenEmbeddingException($"{Origin} and {other.Origin} {message}", JobExitCode.Configuration);
}
