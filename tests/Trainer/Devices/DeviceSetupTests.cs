using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Tests.Devices;

public sealed class DeviceSetupTests
{
    private static readonly string[] _hosts = ["a", "a", "a", "b", "b", "b"];

    /// <summary>Ranks 0 and 3 serve.</summary>
    [Theory]
    [InlineData(1, 2, 0)]
    [InlineData(2, 2, 1)]
    [InlineData(4, 2, 0)]
    [InlineData(5, 2, 1)]
    [InlineData(5, 1, 0)]
    public void Trainers_of_a_host_take_its_gpus_in_turn(int rank, int devices, int ordinal) =>
        Assert.Equal(ordinal, DeviceSetup.OrdinalOf(rank, [1, 2, 4, 5], _hosts, devices));
}
