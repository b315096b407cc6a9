using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Tests.RunSpecs;

public class NearestNameTests
{
    [Theory]
    [InlineData("learningRat", "learningRate")]
    [InlineData("LEARNINGRATE", "learningRate")]
    [InlineData("laerningRate", "learningRate")]
    [InlineData("lerningRte", "learningRate")]
    [InlineData("sede", "seed")]
    [InlineData("sd", null)]
    [InlineData("momentum", null)]
    [InlineData("", null)]
    public void The_name_with_the_fewest_slips_is_suggested(string written, string? expected) =>
        Assert.Equal(expected, NearestName.Of(written, ["learningRate", "rounds", "seed"]));
}
