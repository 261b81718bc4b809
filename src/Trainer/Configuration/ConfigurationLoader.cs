using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Makes a job of a file and overrides, or one line that says what is wrong.</summary>
internal sealed class ConfigurationLoader(string? file, IReadOnlyList<ConfigurationOverride> overrides)
{
    /// <summary>What stands before a message about the command line.</summary>
    public const string CommandLineSource = "command line";

    /// <summary>Reads and checks the job.</summary>
    public JobOptions Load()
    {
        // The file must be right by itself, but for keys that are missing, before anything overrides it: so the blame is never in doubt.
        JsonNode? root = file is null ? new JsonObject() : Parse(file);
        Checked(_ => file ?? CommandLineSource, () => ConfigurationKeys.Root.Read(root, KeyPath.Root, null, complete: false));
        var members = (JsonObject)root!;
        return Checked(SourceOf, () =>
        {
            Overrides.Apply(members, overrides);
            var job = (JobOptions)ConfigurationKeys.Root.Read(members, KeyPath.Root, null, complete: true);
            if (job.Embedding.Kind == TableKind.Hash && members["data"]?["sparse_ids"] is null)
            {
                job = job with { Data = job.Data with { SparseIds = SparseIds.Hash } };
            }

            JobOptionsValidator.Check(job);
            return job;
        });
    }

    private static JsonNode? Parse(string file)
    {
        string text;
        try
        {
            var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
            text = encoding.GetString(File.ReadAllBytes(file)).TrimStart('\uFEFF');
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Error($"{file}: no such file", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string reason = Directory.Exists(file) ? "is a folder, not a file" : "cannot be read: " + failure.Message.ReplaceLineEndings(" ");
            throw Error($"{file}: {reason}", failure);
        }
        catch (DecoderFallbackException failure)
        {
            throw Error($"{file}: not UTF-8 text", failure);
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            throw Error($"{file}: the file is empty");
        }

        try
        {
            return Checked(_ => file, () => JsonText.Parse(text));
        }
        catch (JsonException failure)
        {
            throw Error($"{file}: {JsonText.Describe(failure)}", failure);
        }
    }

    /// <summary>Who is to blame for a key: the command line if it gave it, or a key above or below it, else the file.</summary>
    private string SourceOf(IReadOnlyList<KeyPath> paths)
    {
        bool given = paths.Any(path => overrides.Any(given => Contains(path.Text, given.Key) || Contains(given.Key, path.Text)));
        return file is null || given ? CommandLineSource : file;
    }

    private static bool Contains(string path, string section) =>
        path.StartsWith(section, StringComparison.Ordinal) && (path.Length == section.Length || path[section.Length] is '.' or '[');

    private static T Checked<T>(Func<IReadOnlyList<KeyPath>, string> source, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ConfigurationFault fault)
        {
            throw Error($"{source(fault.Paths)}: {fault.Message}", fault);
        }
    }

    private static OpenEmbeddingException Error(string message, Exception? failure = null) =>
        new(message, JobExitCode.Configuration, failure);
}
