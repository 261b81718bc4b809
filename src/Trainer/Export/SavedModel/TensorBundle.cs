namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>The values of variables as TensorFlow's checkpoints have them: a file with all elements, and one that tells where each variable is in it.</summary>
/// <remarks>Source of the field numbers: tensorflow/core/protobuf/tensor_bundle.proto.</remarks>
internal sealed class TensorBundle(IReadOnlyList<ExportArray> variables)
{
    public const string DataFileName = "variables/variables.data-00000-of-00001";
    public const string IndexFileName = "variables/variables.index";
    private const int FormatVersion = 1;

    /// <summary>Writes both files.</summary>
    public void Write(ExportFolder folder)
    {
        var entries = new Dictionary<string, byte[]>
        {
            [""] = new ProtobufMessage().Integer(1, 1).Message(3, new ProtobufMessage().Integer(1, FormatVersion)).Bytes.ToArray(),
        };
        folder.Write(DataFileName, stream =>
        {
            long offset = 0;
            foreach (ExportArray variable in variables)
            {
                using var checksums = new ChecksumStream(stream);
                variable.Write(checksums);
                entries[variable.Name] = Entry(variable, offset, checksums.Checksum);
                offset += variable.Bytes;
            }
        });
        folder.Write(IndexFileName, stream => TableFile.Write(stream, entries));
    }

    private static byte[] Entry(ExportArray variable, long offset, uint checksum) => new ProtobufMessage()
        .Integer(1, (long)TensorTypes.Of(variable.Type))
        .Message(2, TensorTypes.Shape(variable.Shape))
        .Integer(4, offset)
        .Integer(5, variable.Bytes)
        .Fixed32(6, checksum)
        .Bytes.ToArray();
}
