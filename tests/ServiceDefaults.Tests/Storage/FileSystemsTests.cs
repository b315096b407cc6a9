using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Tests;

public class FileSystemsTests
{
    /// <summary>Types by statfs(2). Some are beyond 31 bits, where a word may come sign-extended.</summary>
    [Theory]
    [InlineData(0x6969, "NFS")]
    [InlineData(0x517B, "SMB")]
    [InlineData(0xFF534D42, "CIFS")]
    [InlineData(unchecked((int)0xFF534D42), "CIFS")]
    [InlineData(0xFE534D42, "SMB2")]
    [InlineData(0x01021997, "9p")]
    [InlineData(0x00C36400, "Ceph")]
    public void A_network_file_system_is_known_by_its_type(long type, string name) => Assert.Equal(name, FileSystems.NetworkName(type));

    [Theory]
    [InlineData(0xEF53)]
    [InlineData(0x58465342)]
    [InlineData(0x9123683E)]
    [InlineData(0x01021994)]
    [InlineData(0x794C7630)]
    [InlineData(0x65735546)]
    public void A_disk_memory_and_a_containers_layers_are_none(long type) => Assert.Null(FileSystems.NetworkName(type));

    [Fact]
    public void A_place_that_is_not_there_yet_is_judged_by_the_nearest_folder()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(FileSystems.Defect(folder.File("a", "b", "c.db")));
        Assert.Null(FileSystems.Defect("/proc/nowhere/c.db"));
    }
}
