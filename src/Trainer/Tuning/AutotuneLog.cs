using System.Globalization;

namespace OpenEmbedding.Trainer.Tuning;

/// <summary>The CSV file of a search: a line for each sample, then one for the settings chosen, each written at once.</summary>
internal sealed class AutotuneLog : IDisposable
{
    private const string Header = "sample,fusion_buffer_mb,cycle_time_ms,prefetch,steps,samples_per_second,chosen";

    private readonly TextWriter _file;
    private int _lines;

    /// <summary>Takes the file over and writes the names of the columns.</summary>
    public AutotuneLog(TextWriter file)
    {
        _file = file;
        Write(Header);
    }

    /// <summary>Makes the file, and its folder where there is none; one that is there is replaced.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static AutotuneLog Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return new AutotuneLog(new StreamWriter(path));
    }

    /// <summary>Writes a sample.</summary>
    /// <param name="settings">What was measured.</param>
    /// <param name="steps">The steps that it took.</param>
    /// <param name="speed">Samples of all trainers in a second.</param>
    public void Add(TunedSettings settings, long steps, double speed) => Write(settings, steps, speed, chosen: false);

    /// <summary>Writes the settings chosen, with all their steps and the speed over these.</summary>
    public void Choose(TunedSettings settings, long steps, double speed) => Write(settings, steps, speed, chosen: true);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Write(TunedSettings settings, long steps, double speed, bool chosen) => Write(string.Create(
        CultureInfo.InvariantCulture,
        $"{++_lines},{settings.FusionBufferMb},{settings.CycleTimeMs},{settings.Prefetch},{steps},{speed:F1},{(chosen ? 1 : 0)}"));

    private void Write(string line)
    {
        _file.Write(line + "\n");
        _file.Flush();
    }
}
