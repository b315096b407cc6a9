namespace FlEvents.Console.Tests;

public sealed class PlaceholderTests
{
    [Fact]
    public void It_builds() => Assert.True(true);
}
