using System.Text;
using FlEvents.ClientWorker.Policy;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.ClientWorker.Tests.Policy;

public sealed class PolicyReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void All_errors_of_a_policy_are_told_at_once()
    {
        var errors = PolicyReader.Read("""
            {
              "colour": "red",
              "runs": [],
              "models": { "mostParameters": "many" },
              "strategies": ["fedMagic"],
              "privacy": {
                "modes": ["local+central"],
                "example": { "smallestNoiseMultiplier": 0 },
                "client": { "perRound": { "epsilon": 1 }, "inAll": { "epsilon": 1, "rho": 1 } }
              },
              "hours": { "timeZone": "Atlantis/Deep", "from": "8 pm", "to": "06:00" },
              "bytesPerDay": { "sent": -1 },
              "evaluation": null
            }
            """u8).Errors;
        string[] beginnings =
        [
            "\"colour\" is no rule: expected runs, models, strategies, privacy, hours, bytesPerDay, evaluation.",
            "runs is empty: ",
            "models.mostParameters is not understood: expected an object such as ",
            "strategies[0] is not understood: expected a list such as ",
            "privacy.modes has local+central: ",
            "privacy.example.smallestNoiseMultiplier is 0: ",
            "privacy.client.perRound: epsilon is 1 without a delta: ",
            "privacy.client.inAll: epsilon is 1 and rho is 1: ",
            "hours.timeZone is \"Atlantis/Deep\": ",
            "hours.from is \"8 pm\": ",
            "bytesPerDay.sent is -1: ",
            "evaluation is null: ",
        ];
        Assert.Equal(beginnings.Length, errors.Count);
        Assert.All(beginnings, beginning => Assert.Contains(errors, error => error.StartsWith(beginning, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{ "evaluation": true, "evaluation": false }""")]
    [InlineData("""{ "hours": { "timeZone": "Europe/Berlin", "from": "08:00" } }""")]
    [InlineData("""{ "hours": { "timeZone": "Europe/Berlin", "from": "08:00", "to": "08:00" } }""")]
    [InlineData("""{ "models": { "mostParameters": 1, "mostParameters": 1000000 } }""")]
    [InlineData("""{ "models": { "maximumParameters": 1 } }""")]
    [InlineData("""{ "privacy": { "patient": {} } }""")]
    [InlineData("""{ "runs": [null] }""")]
    public void A_policy_with_anything_that_is_not_understood_is_none(string json)
    {
        var (policy, errors) = PolicyReader.Read(Encoding.UTF8.GetBytes(json));
        Assert.Null(policy);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public void A_changed_file_holds_at_once_and_while_it_cannot_be_read_nothing_is_allowed()
    {
        var path = _folder.File("policy.json");
        var file = new PolicyFile(path, NullLogger<PolicyFile>.Instance);
        Assert.Equal(PolicyRule.File, file.Current().Fault?.Rule);

        File.WriteAllText(path, """{ "evaluation": false }""");
        Assert.False(file.Current().Policy!.Evaluation);

        File.WriteAllText(path, """{ "evaluation": fal""");
        Assert.Equal((null, PolicyRule.File), (file.Current().Policy, file.Current().Fault?.Rule));

        File.WriteAllText(path, """{ "evaluation": true }""");
        Assert.True(file.Current().Policy!.Evaluation);

        File.Delete(path);
        Assert.Equal((null, PolicyRule.File), (file.Current().Policy, file.Current().Fault?.Rule));
        Assert.Same(OwnerPolicy.Open, new PolicyFile(path: null, NullLogger<PolicyFile>.Instance).Current().Policy);
    }
}
