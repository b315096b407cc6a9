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
    public async Task S5_of_two_runs_that_want_a_client_whose_budget_fits_one_exactly_one_gets_it_though_the_accountant_dies_before_it_answers()
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
    public async Task A_task_never_has_one_unit_charged_alone_it_is_charged_committed_and_refunded_in_both()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        var message = Messages.Reserve("anna@north", "ben@south");
        // Unlike one another, so that neither can stand for the other.
        PrivacyCharge[] charges =
        [
            new() { Unit = PrivacyUnit.Example, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 1 },
            new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 2 },
        ];
        foreach (var unit in new[] { "example", "client" })
        {
            await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("north"), unit, rho = 10 });
        }

        await host.SendAsync(message with { Clients = [.. message.Clients.Select(client => client with { Charges = charges })] });
        await host.NextAsync<BudgetReserved>();
        await host.SendAsync(Messages.Refund("ben"));
        Assert.Null(await host.HandledAsync<RefundBudget>());
        await host.SendAsync(Messages.Commit());
        var committed = await host.NextAsync<BudgetCommitted>();

        Assert.Equal(1, committed.Committed);
        var kinds = host.Ledger.Entries(after: 0, limit: 100).Where(entry => entry.Kind != EntryKind.Budget).Select(entry => $"{LedgerChain.Name(entry.Kind)} {entry.ClientId} {LedgerChain.Name(entry.Unit!.Value)}");
        Assert.Equal(
            [
                "reserve anna example", "reserve anna client", "reserve ben example", "reserve ben client",
                "refund ben example", "refund ben client", "commit anna example", "commit anna client",
            ],
            kinds);
        // ρ = 1/(2z²), rounded up.
        Assert.Equal([("500000001", 1), ("125000001", 1)], Units("anna").Select(unit => (unit.Spent, (int)unit.Committed)));
        Assert.Equal([("0", 1), ("0", 1)], Units("ben").Select(unit => (unit.Spent, (int)unit.Refunded)));
        Assert.Equal([PrivacyUnit.Example, PrivacyUnit.Client], (await host.NextAsync<PrivacySpent>()).Units.Where(unit => unit.Epsilon > 0).Select(unit => unit.Unit));

        IReadOnlyList<UnitView> Units(string clientId) => Assert.Single(host.Ledger.LedgersOf(clientId)).Units;
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
        var (example, client) = (spent.Units[0], spent.Units[1]);
        Assert.Equal((Messages.RunA, 1, "anna", LedgerId.Of(Messages.LedgerOf("north"))), (spent.RunId, spent.Round, spent.ClientId, spent.LedgerId));
        Assert.Equal((PrivacyUnit.Client, false, 1e-5, Epsilon), (client.Unit, client.IsUnbounded, client.Delta, client.BudgetEpsilon!.Value));
        Assert.Equal(Epsilon - 0.5, client.Epsilon!.Value, 6);
        // Without a budget: at the δ that is taken where nobody says one, and an order that is not the best for one task, whose ε is 2.1657.
        Assert.Equal((PrivacyUnit.Example, false, 1e-5, null), (example.Unit, example.IsUnbounded, example.Delta, example.BudgetEpsilon));
        Assert.InRange(example.Epsilon!.Value, 2.1657, 4);
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

    [Fact]
    public async Task A_budget_of_rho_is_an_option_and_every_view_counts_with_it()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder, "--PrivacyAccountant:Budgets:Client:Rho=0.3");
        await host.SendAsync(Charged(Messages.RunA));
        await host.NextAsync<BudgetReserved>();

        var view = await host.Http.GetFromJsonAsync<ClientLedgersView>("/ledger/clients/anna");
        var unit = Assert.Single(view!.Ledgers).Units.Single(unit => unit.Unit == PrivacyUnit.Client);
        Assert.Equal(("125000001", "zcdp", null), (unit.Spent, unit.Measure, unit.Alpha));
        // ε of ρ = 0.3 and of ρ = 0.125 at δ = 10⁻⁵: minimised over α on a fine grid apart from this program.
        Assert.Equal((0.3, 1e-5, 299_999_999L), (unit.Budget!.Rho!.Value, unit.Budget.Delta, unit.Budget.CapacityUnits!.Value));
        Assert.Equal((3.53439, 2.16572, 0.58333), (Math.Round(unit.Budget.Epsilon, 5), Math.Round(unit.Budget.SpentEpsilon, 5), Math.Round(unit.Budget.Left, 5)));
        var forecast = Assert.Single((await host.Http.GetFromJsonAsync<List<ForecastView>>("/ledger/clients/anna/forecast?unit=client&noiseMultiplier=2"))!);
        Assert.Equal((1L, "125000001"), (forecast.TasksLeft!.Value, forecast.Charge));
        var budget = (await host.Http.GetFromJsonAsync<List<LedgerEntry>>("/ledger/entries"))!.Single(entry => entry.Kind == EntryKind.Budget);
        Assert.Equal(("zcdp", """{"rho":0.3}"""), (budget.Measure, budget.Event));
        Assert.Null(LedgerVerification.FirstFault(host.Ledger.Entries(after: 0, limit: 100)));
    }

    [Fact]
    public async Task A_budget_of_the_other_kind_is_refused_over_http_with_both_named()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder, OneTask);
        await host.SendAsync(Charged(Messages.RunA));
        await host.NextAsync<BudgetReserved>();
        var head = host.Ledger.Head();

        var answer = await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("north"), unit = "client", rho = 0.5 });

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal(
            "A budget of ρ = 0.5 does not count the ledger's charges, which are in Rényi divergence at α = 8 since its first charge or budget: expected epsilon and delta.",
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString());
        Assert.Equal(head, host.Ledger.Head());
        var other = await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("south"), unit = "client", rho = 0.5, delta = 1e-6 });
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task Before_the_first_charge_the_forecast_counts_in_the_measure_that_it_would_fix()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        await host.SendAsync(Messages.Reserve("anna@north"));
        await host.NextAsync<BudgetReserved>();
        await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("north"), unit = "client", epsilon = 8, delta = 1e-5 });

        var forecast = Assert.Single((await host.Http.GetFromJsonAsync<List<ForecastView>>("/ledger/clients/anna/forecast?unit=client&noiseMultiplier=2"))!);

        // z = 2 at ε = 8: nine rounds fit at the best order.
        Assert.Equal(9, forecast.TasksLeft);
    }

    [Theory]
    [InlineData(0.0, 1e-5, null, "epsilon is 0")]
    [InlineData(1.0, 1.0, null, "delta is 1")]
    [InlineData(1.0, 1e-5, 0.5, "epsilon is 1 and rho is 0.5")]
    [InlineData(null, null, null, "there is no epsilon and no rho")]
    public async Task A_budget_that_is_none_is_refused_with_its_value(double? epsilon, double? delta, double? rho, string expected)
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        var answer = await host.Http.PutAsJsonAsync("/ledger/budgets", new { ledger = Messages.LedgerOf("north"), unit = "client", epsilon, delta, rho });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(expected, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(LedgerChain.Empty, host.Ledger.Head());
    }

    private static ReserveBudget Charged(Guid runId) => Messages.Gaussian(Messages.Reserve(runId, 1, 1, "anna@north"));
}
