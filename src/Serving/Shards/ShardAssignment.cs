using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OpenEmbedding.Serving.Shards;

/// <summary>A shard of a model's tables that a process holds or is to hold.</summary>
/// <param name="Model">The model's name, for messages.</param>
/// <param name="Version">The version's number, for messages.</param>
/// <param name="Identity">
/// What <see cref="IdentityOf"/> gives; every lookup has it, so that no dense part meets rows of another model or version.
/// </param>
/// <param name="Folder">The version's folder, reachable from the process.</param>
/// <param name="Shard">In [0, <paramref name="Shards"/>).</param>
/// <param name="Shards">Into how many shards the tables are dealt.</param>
internal sealed record ShardAssignment(string Model, long Version, string Identity, string Folder, int Shard, int Shards)
{
    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The SHA-256 of a model's name, its version and its <c>model.json</c>, which has the checksums of dense part and checkpoint; in hexadecimal digits.</summary>
    public static string IdentityOf(string model, long version, ReadOnlySpan<byte> description) =>
        Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{model}:{version}\n"), .. description]));

    /// <summary>How messages name it.</summary>
    public string Name => $"shard {Shard} of {Shards} of model {Model}, version {Version}";

    /// <summary>Whether another one asks for the same rows.</summary>
    public bool IsSameShard(ShardAssignment other) => (Identity, Shard, Shards) == (other.Identity, other.Shard, other.Shards);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, _json);

    public static byte[] ToBytes(IReadOnlyList<ShardAssignment> all) => JsonSerializer.SerializeToUtf8Bytes(all, _json);

    /// <exception cref="JsonException">It is of another form.</exception>
    public static ShardAssignment Read(ReadOnlySpan<byte> body) =>
        JsonSerializer.Deserialize<ShardAssignment>(body, _json) ?? throw new JsonException("the body is null");

    /// <exception cref="JsonException">It is of another form.</exception>
    public static IReadOnlyList<ShardAssignment> ReadAll(ReadOnlySpan<byte> body) => JsonSerializer.Deserialize<ShardAssignment[]>(body, _json) ?? [];
}
