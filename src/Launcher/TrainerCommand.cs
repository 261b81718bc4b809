namespace OpenEmbedding.Launcher;

/// <summary>Commands of the ranks that are <c>oe-train</c>, whose options this program knows.</summary>
internal static class TrainerCommand
{
    /// <summary>Whether a command is one.</summary>
    /// <param name="command">The program and its arguments.</param>
    public static bool Is(IReadOnlyList<string> command) => Path.GetFileName(command[0]) == Program.Trainer;
}
