using System.Text.Json;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.Privacy;

public sealed class PlanCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };

    private string Path => _folder.File("run.json");

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
        _errors.Dispose();
    }

    [Theory]
    [InlineData("rounds=0", "$.run.rounds: expected a whole number in [1, 100000], got 0\n")]
    [InlineData(
        "simulation.budgets={\"example\":{\"epsilon\":3},\"client\":{\"epsilon\":3,\"delta\":1e-5,\"rho\":1}}",
        "$.simulation.budgets.example: epsilon is 3 without a delta: it must have one in (0, 1).\n$.simulation.budgets.client: epsilon is 3 and rho is 1: give epsilon and delta, or rho.\n")]
    [InlineData("simulation.data.digits.count=3", "$.simulation.clients: 4 clients for 3 examples; expected at least one example each.\n")]
    [InlineData("training.validationFraction=0.2", "$.run.training.validationFraction: expected 0 in a private run, where no client scores a model, got 0.2\n")]
    public void A_wrong_run_file_is_refused_as_check_does(string change, string error)
    {
        var (code, page) = Execute(json: false, $"privacy={PrivateRun.Central}", change);

        Assert.Equal((2, "", error), (code, page, _errors.ToString()));
        var checkedErrors = RunFileReader.LoadWithData(Path, [$"privacy={PrivateRun.Central}", change]).Errors;
        Assert.Equal(string.Concat(checkedErrors.Select(found => $"{found}\n")), _errors.ToString());
    }

    [Fact]
    public void A_missing_file_is_bad_input() => Assert.Equal(2, PlanCommand.Execute(
        _folder.File("none.json"), [], false, Spectre.Console.AnsiConsole.Console, _output, _errors, TestContext.Current.CancellationToken));

    [Fact]
    public void The_page_shows_both_units_the_budget_the_bytes_and_the_time()
    {
        var (code, page) = Execute(json: false, $"privacy={PrivateRun.Central}", "simulation.budgets.client={\"epsilon\":8,\"delta\":1e-5,\"alpha\":4}");

        Assert.Equal((0, ""), (code, _errors.ToString()));
        Assert.Contains("Plan      tiny: mode central, 10 rounds of 4 tasks\nClients   4 with 75 examples each\n", page, StringComparison.Ordinal);
        Assert.Contains("Charge    gaussian z = 1 in its first task", page, StringComparison.Ordinal);
        // z = 2, T = 4: Balle and Wang's ε is 4.377; by the filter 4·4/8 + ln(3/4) − ln(4·10⁻⁵)/3 = 5.088.
        Assert.Matches(@"Round +Tasks +Ledger, α = 4 +RDP +PLD +zCDP", page);
        Assert.Matches(@"\n +4 +4 +5\.088 +4\.728 +4\.377 +4\.728 ", page);
        Assert.Contains("Budget    ε = 8 at δ = 0.00001 admits 9 rounds at α = 4\n", page, StringComparison.Ordinal);
        Assert.Contains("Ending    budgets are exhausted after 9 rounds\n", page, StringComparison.Ordinal);
        Assert.Matches(@"Down +\d+ kB a round, [\d.]+ MB in all; the model has", page);
        Assert.Contains("an estimate", page, StringComparison.Ordinal);
        Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void A_run_without_privacy_says_unbounded_in_both_units()
    {
        var (code, page) = Execute(json: false);

        Assert.Equal(0, code);
        Assert.Contains("Unit      example: unbounded, no finite ε holds\n", page, StringComparison.Ordinal);
        Assert.Contains("Unit      client: unbounded, no finite ε holds\n", page, StringComparison.Ordinal);
        Assert.Matches(@"Up +\d+ kB a round", page);
    }

    [Fact]
    public void Json_is_one_object_with_the_same_figures()
    {
        var (code, page) = Execute(json: true, $"privacy={PrivateRun.ExampleCentral}", "rounds=4");

        var plan = JsonDocument.Parse(_output.ToString()).RootElement;
        Assert.Equal((0, ""), (code, page));
        Assert.Equal(("example+central", "completed", 4), (plan.GetProperty("mode").GetString(), plan.GetProperty("ending").GetString(), plan.GetProperty("roundsDone").GetInt32()));
        var (example, client) = (plan.GetProperty("units")[0], plan.GetProperty("units")[1]);
        Assert.Equal(("subsampledGaussian", "gaussian"), (example.GetProperty("charge").GetProperty("mechanism").GetString(), client.GetProperty("charge").GetProperty("mechanism").GetString()));
        Assert.Equal(("bounded", 4), (client.GetProperty("guarantee").GetString(), client.GetProperty("spending").GetArrayLength()));
        Assert.InRange(client.GetProperty("spending")[3].GetProperty("pld").GetDouble(), 4.37717, 4.3775);
    }

    private (int Code, string Page) Execute(bool json, params string[] changes)
    {
        File.WriteAllText(Path, PrivateRun.Json);
        var code = 0;
        var page = PrivateRun.Shown(console => code = PlanCommand.Execute(Path, changes, json, console, _output, _errors, TestContext.Current.CancellationToken));
        return (code, page);
    }
}
