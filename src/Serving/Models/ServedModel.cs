using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving.Models;

/// <summary>A model by name: the version that answers, and those that were refused.</summary>
/// <remarks>Any thread looks for versions, one at a time, and holds them.</remarks>
internal sealed class ServedModel
{
    private readonly Action<string> _say;
    private readonly ShardCluster? _cluster;
    private readonly Lock _looking = new();

    // The version and when its description was written: a folder that was refused is tried again when it was written anew.
    private readonly Dictionary<long, (DateTime Written, string Reason)> _refused = [];
    private volatile ModelVersion? _current;
    private bool _isClosed;
    private volatile IReadOnlyList<VersionState> _states = [];

    public ServedModel(string name, string folder, ShardCluster? cluster, Action<string> say)
    {
        Name = name;
        Folder = folder;
        _cluster = cluster;
        _say = say;
    }

    public string Name { get; }

    /// <summary>The folder of its versions.</summary>
    public string Folder { get; }

    /// <summary>Whether a version answers.</summary>
    public bool IsReady => _current is not null;

    /// <summary>The versions, the newest first.</summary>
    public IReadOnlyList<VersionState> States => _states;

    /// <summary>The version that answers, held until it is released, or <c>null</c> if there is none or it has another number.</summary>
    public ModelVersion? Hold(long? number)
    {
        // A version that is gone by now has a successor.
        while (_current is { } version)
        {
            if (number is { } wanted && wanted != version.Number)
            {
                return null;
            }

            if (version.TryHold())
            {
                return version;
            }
        }

        return null;
    }

    /// <summary>
    /// Serves the highest version of the folder that can be loaded. The one before answers until then, and goes on where there is none any more.
    /// </summary>
    public void Look()
    {
        lock (_looking)
        {
            if (!_isClosed)
            {
                LookForVersions();
            }
        }
    }

    /// <summary>Ends serving, for good; requests under way still get their answer.</summary>
    public void Close()
    {
        lock (_looking)
        {
            _isClosed = true;
            ModelVersion? last = _current;
            _current = null;
            last?.Release();
        }
    }

    private void LookForVersions()
    {
        foreach (long number in Numbers())
        {
            ModelVersion? current = _current;
            if (current?.Number == number || TryReplace(current, number))
            {
                break;
            }
        }

        var states = _refused.Select(pair => new VersionState(pair.Key, pair.Value.Reason)).ToList();
        if (_current is { } serving)
        {
            states.Add(new VersionState(serving.Number, null));
        }

        _states = [.. states.OrderByDescending(state => state.Number)];
    }

    private bool TryReplace(ModelVersion? current, long number)
    {
        string folder = Path.Combine(Folder, number.ToString(CultureInfo.InvariantCulture));
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(folder, ModelVersion.DescriptionFile));
        if (_refused.TryGetValue(number, out (DateTime Written, string Reason) refused) && refused.Written == written)
        {
            return false;
        }

        try
        {
            _current = ModelVersion.Load(Name, folder, number, _cluster);
        }
        catch (OpenEmbeddingException e)
        {
            _refused[number] = (written, e.Message);
            _say($"model {Name}: version {number} is refused: {e.Message}" + (current is null ? "" : $"; version {current.Number} goes on"));
            return false;
        }

        _refused.Remove(number);
        current?.Release();
        _say($"model {Name}: version {number} is served" + (current is null ? "" : $" in place of version {current.Number}"));
        return true;
    }

    private IEnumerable<long> Numbers()
    {
        if (!Directory.Exists(Folder))
        {
            return [];
        }

        var numbers = new List<long>();
        foreach (string path in Directory.EnumerateDirectories(Folder))
        {
            // Folders that are being written, such as 2.1234.tmp, are no versions; nor is 02, which is not how a version is asked for.
            if (long.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                && Path.GetFileName(path) == number.ToString(CultureInfo.InvariantCulture))
            {
                numbers.Add(number);
            }
        }

        return numbers.OrderDescending();
    }
}

/// <summary>A version and why it is refused; <c>null</c> for the one that answers.</summary>
internal sealed record VersionState(long Number, string? Refused);
