using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Budgets through the running service: its options, its messages, its HTTP interface.</summary>
public sealed class BudgetConsumersTests : IAsyncDisposable
{
    // α/(2z²) = 1 for each task with z = 2 at order 8: room for one and a half.
    private static readonly double Epsilon = 1.5 + Math.Log(7.0 / 8) - (Math.Log(8e-5) / 7);
    private static readonly string[] OneTask =
    [
        FormattableString.Invariant($"--PrivacyAccountant:Budgets:Client:Epsilon={Epsilon:R}"),
        "--PrivacyAccountant:Budgets:Client:Delta=1e-5",
        "--PrivacyAccountant:Budgets:Client:Alpha=8",
    ];

    private readonly LedgerFile _file = new();

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Fact]
    public async Task Of_two_runs_that_want_a_client_whose_budget_fits_one_exactly_one_gets_it_though_the_accountant_dies_before_it_answers()
    {
        var (first, second) = (Charged(Messages.RunA), Charged(Messages.RunB));
        var policy = new LedgerPolicy
        {
            Defaults = new Dictionary<PrivacyUnit, BudgetTerms> { [PrivacyUnit.Client] = new() { Epsilon = Epsilon, Delta = 1e-5, Alpha = 8 } },
        };

        // As a killed process leaves it: decided and committed, the answer lost with the message's acknowledgement.
        await _file.Database.WriteAsync(
            transaction => LedgerStore.Save(transaction, Ledger.On(LedgerStore.Load(transaction, first), first, policy, transaction.Now)), CancellationToken.None);
        await _file.CloseAsync();

        await using var host = await AccountantHost.StartAsync(_file.Folder, OneTask);
        await Task.WhenAll(host.SendAsync(second), host.SendAsync(first), host.SendAsync(second), host.SendAsync(first));
        foreach (var _ in new[] { 1, 2 })
        {
            Assert.Equal(Messages.RunA, (await host.NextAsync<BudgetReserved>()).RunId);
            var refused = await host.NextAsync<BudgetRefused>();
            Assert.Equal((Messages.RunB, BudgetRefusalCode.BudgetExhausted), (refused.RunId, Assert.Single(refused.Refused).ReasonCode));
        }

        Assert.Equal(3, host.Ledger.Head().Sequence);
    }

    [Fact]
    public async Task A_commit_tells_what_is_spent_of_the_budget()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder, OneTask);
        await host.SendAsync(Charged(Messages.RunA));
        await host.NextAsync<BudgetReserved>();
        await host.SendAsync(Messages.Commit());
        await host.NextAsync<BudgetCommitted>();
        var spent = await host.NextAsync<PrivacySpent>();
        Assert.Equal(("anna", PrivacyUnit.Client, 1e-5, Epsilon), (spent.ClientId, spent.Unit, spent.Delta!.Value, spent.BudgetEpsilon!.Value));
        Assert.Equal(Epsilon - 0.5, spent.Epsilon!.Value, 6);
        Assert.False(host.HasMore<PrivacySpent>());
    }

    [Fact]
    public async Task A_budget_is_set_over_http_and_the_forecast_counts_with_it()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        var request = new { ledger = Messages.LedgerOf("north"), unit = "client", epsilon = Epsilon + 2, delta = 1e-5, alpha = 8.0 };
        var set = await host.Http.PutAsJsonAsync("/ledger/budgets", request);
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        await host.SendAsync(Charged(Messages.RunA));
        await host.NextAsync<BudgetReserved>();

        var forecast = await host.Http.GetFromJsonAsync<JsonElement>("/ledger/clients/anna/forecast?unit=client&noiseMultiplier=2");
        Assert.Equal(2, forecast[0].GetProperty("tasksLeft").GetInt64());
        var view = await host.Http.GetFromJsonAsync<JsonElement>("/ledger/clients/anna");
        var budget = view.GetProperty("ledgers")[0].GetProperty("units").EnumerateArray().Single(unit => unit.GetProperty("unit").GetString() == "client").GetProperty("budget");
        Assert.Equal(Epsilon - 0.5, budget.GetProperty("spentEpsilon").GetDouble(), 6);
        Assert.InRange(budget.GetProperty("left").GetDouble(), 0.71, 0.72);
    }

    [Theory]
    [InlineData(0.0, 1e-5, "epsilon is 0")]
    [InlineData(1.0, 1.0, "delta is 1")]
    public async Task A_budget_that_is_none_is_refused_with_its_value(double epsilon, double delta, string expected)
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        var answer = await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("north"), unit = "client", epsilon, delta });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(expected, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(LedgerChain.Empty, host.Ledger.Head());
    }

    private static ReserveBudget Charged(Guid runId)
    {
        var message = Messages.Reserve(runId, 1, 1, "anna@north");
        var charges = new[] { PrivacyUnit.Example, PrivacyUnit.Client }
            .Select(unit => new PrivacyCharge { Unit = unit, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 2 }).ToList();
        return message with { Clients = [.. message.Clients.Select(client => client with { Charges = charges })] };
    }
}
