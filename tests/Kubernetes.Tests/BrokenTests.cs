namespace FlEvents.Kubernetes.Tests;

/// <summary>Each rule catches what is broken: every file in <c>Broken</c> is an overlay with one thing wrong.</summary>
public sealed class BrokenTests
{
    public static TheoryData<string> Broken =>
        [.. Kustomize.Cases(Fixture.All.Where(fixture => fixture.Rule != Fixture.Schema).Select(fixture => fixture.Name))];

    [Theory, MemberData(nameof(Broken))]
    public async Task A_rule_catches_what_is_broken(string name)
    {
        var fixture = new Fixture(name);

        fixture.AssertCaughtBy([.. OverlayTests.Check(fixture.Rule, await fixture.RenderAsync())]);
    }

    [Fact]
    public void Every_rule_has_a_broken_fixture() =>
        Assert.Equal(OverlayTests.RuleNames.Append(Fixture.Schema).Order(), Fixture.All.Select(fixture => fixture.Rule).Distinct().Order());
}
