using System.Collections.Concurrent;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Plans;
using FlEvents.Orchestrator.Rounds;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.Privacy;

public class RunPlansTests
{
    private const double Delta = 1e-5;
    private static readonly TimeSpan Task = TimeSpan.FromSeconds(3);
    private static readonly ConcurrentDictionary<string, Lazy<RunPlan>> Known = new();

    [Theory]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, 2.0)]
    [InlineData(PrivateRun.Central, PrivacyUnit.Example, 1.0)]
    [InlineData(PrivateRun.ExampleCentral, PrivacyUnit.Client, 2.0)]
    [InlineData(PrivateRun.Local, PrivacyUnit.Client, 1.5)]
    [InlineData(PrivateRun.Local, PrivacyUnit.Example, 1.5)]
    [InlineData(PrivateRun.LocalCentral, PrivacyUnit.Client, 1.5)]
    public void A_noised_update_costs_in_each_round_what_the_accountants_say_of_a_gaussian(string privacy, PrivacyUnit unit, double z)
    {
        var plan = Plan(privacy, unit);

        Assert.Equal(PlannedGuarantee.Bounded, plan.Guarantee);
        Assert.Equal(z, plan.Charge.NoiseMultiplier);
        Assert.Equal(Enumerable.Range(1, 4), plan.Spending.Select(row => row.Round));
        foreach (var row in plan.Spending)
        {
            var composed = new RepeatedEvent(new GaussianEvent(z), row.Round);
            // Each task costs α/2z² rounded up to 10⁻⁹; conversion of proposition 12 in arXiv:2004.00010.
            var alpha = plan.Alpha!.Value;
            var filter = (row.Round * alpha / (2 * z * z)) + Math.Log(1 - (1 / alpha)) - (Math.Log(Delta * alpha) / (alpha - 1));
            Assert.Equal(row.Round, row.Tasks);
            Assert.Equal(filter, row.Filter!.Value, row.Round * 4e-9);
            Assert.Equal(RdpAccountant.Epsilon(composed, Delta).Value, row.Rdp!.Value, 1e-9);
            Assert.Equal(PldAccountant.Epsilon(composed, Delta).Upper, row.Pld!.Value, 1e-6);
            Assert.Equal(RdpAccountant.Epsilon(new ZcdpEvent(row.Round / (2 * z * z)), Delta).Value, row.Zcdp!.Value, 1e-9);
        }
    }

    // ε at δ = 10⁻⁵ of Gaussians z/√T by the analytic formula (Balle and Wang 2018, arXiv:1805.06530), and of zCDP with ρ = T/2z² minimised over α on
    // a fine grid: both computed apart from this program.
    [Theory]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, 1, 1.9930914, 2.1657155)]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, 4, 4.3771781, 4.7283870)]
    [InlineData(PrivateRun.Central, PrivacyUnit.Example, 1, 4.3771781, 4.7283870)]
    [InlineData(PrivateRun.Local, PrivacyUnit.Client, 3, 5.1748102, null)]
    public void Known_values_of_the_gaussian_are_met(string privacy, PrivacyUnit unit, int round, double pld, double? zcdp)
    {
        var row = Plan(privacy, unit).Spending[round - 1];

        // Certified from above, and narrow: relative 5·10⁻⁵.
        Assert.InRange(row.Pld!.Value, pld - 1e-7, pld * (1 + 5e-5));
        Assert.True(zcdp is null || Math.Abs(zcdp.Value - row.Zcdp!.Value) < 1e-6, $"zCDP gave {row.Zcdp}.");
    }

    [Theory, InlineData(PrivateRun.Example), InlineData(PrivateRun.ExampleCentral)]
    public void Dp_sgd_costs_what_the_accountants_say_of_poisson_batches(string privacy)
    {
        var plan = Plan(privacy, PrivacyUnit.Example);
        // 75 examples in batches of 16: q = 16/75 and ⌈75/16⌉ = 5 steps.
        var task = new SubsampledGaussianEvent(16 / 75.0, 1.1, 5);

        Assert.Equal((75, 16 / 75.0, 5L), (plan.Examples, plan.Charge.SamplingProbability, plan.Charge.Steps));
        foreach (var row in plan.Spending)
        {
            var composed = new RepeatedEvent(task, row.Round);
            Assert.Equal(RdpAccountant.Epsilon(composed, Delta).Value, row.Rdp!.Value, 1e-9);
            Assert.Equal(PldAccountant.Epsilon(composed, Delta).Upper, row.Pld!.Value, 1e-6);
            Assert.True(row.Pld < row.Rdp && row.Rdp <= row.Filter && row.Filter < row.Zcdp);
        }
    }

    [Theory]
    [InlineData(null, PrivacyUnit.Example)]
    [InlineData(null, PrivacyUnit.Client)]
    [InlineData(PrivateRun.Example, PrivacyUnit.Client)]
    public void What_nothing_noises_is_unbounded(string? privacy, PrivacyUnit unit)
    {
        var plan = Plan(privacy, unit);

        Assert.Equal(PlannedGuarantee.Unbounded, plan.Guarantee);
        Assert.Empty(plan.Spending);
        Assert.Null(plan.Alpha);
    }

    [Fact]
    public void The_client_with_the_fewest_examples_is_charged_most_by_dp_sgd()
    {
        var file = PrivateRun.Read(PrivateRun.Example, "rounds=1");

        var unit = RunPlans.Of(file, [90, 120, 40, 50], Task, 2).Units[0];

        Assert.Equal(("client-000002", 40, 16 / 40.0), (unit.ClientId, unit.Examples, unit.Charge.SamplingProbability));
    }

    [Fact]
    public void Cohorts_are_those_that_the_seed_draws()
    {
        var file = PrivateRun.Read(PrivateRun.Central, "selection.count=2", "rounds=5");
        var drawn = Enumerable.Range(1, 5).SelectMany(round => Draw(file, round)).CountBy(client => client).ToDictionary();

        var plan = RunPlans.Of(file, ClientExamples.Of(file).Declared, Task, 2);

        Assert.True(plan.CohortsAreDrawn);
        Assert.Equal(drawn.Values.Max(), plan.Units[1].Tasks);
        Assert.Equal(drawn.Values.Max(), drawn[plan.Units[1].ClientId]);
        Assert.Equal(plan.Units[1].Tasks, plan.Units[1].Spending[^1].Tasks);
    }

    [Fact]
    public void Where_there_are_too_many_draws_each_client_is_taken_to_be_in_every_round()
    {
        var file = PrivateRun.Read(PrivateRun.Central, "selection.count=2", "rounds=25001");

        var forecast = RunForecast.Of(file.Run, RunPlans.Everyone(file, ClientExamples.Of(file).Declared));

        Assert.False(forecast.IsDrawn);
        Assert.Equal((25_001, 4), (forecast.Clients[0].Rounds.Count, forecast.Clients[0].Alike));
        Assert.All(forecast.Tasks, tasks => Assert.Equal(2, tasks));
    }

    [Fact]
    public void Noise_that_decays_costs_more_from_round_to_round()
    {
        var file = PrivateRun.Read("""{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2, "noiseDecay": 0.9 } }""", "rounds=3");

        var rows = Plan(file, PrivacyUnit.Client).Spending;

        var all = new EventSequence(new GaussianEvent(2), new GaussianEvent(2 * 0.9), new GaussianEvent(2 * 0.9 * 0.9));
        Assert.Equal(RdpAccountant.Epsilon(all, Delta).Value, rows[2].Rdp!.Value, 1e-9);
    }

    [Theory]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, "client={\"epsilon\":8,\"delta\":1e-5}")]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, "client={\"epsilon\":6,\"delta\":1e-6,\"alpha\":7}")]
    [InlineData(PrivateRun.Local, PrivacyUnit.Example, "example={\"epsilon\":20,\"delta\":1e-5}")]
    [InlineData(PrivateRun.Example, PrivacyUnit.Example, "example={\"epsilon\":5,\"delta\":1e-5}")]
    [InlineData(PrivateRun.Example, PrivacyUnit.Example, "example={\"rho\":20}")]
    [InlineData(PrivateRun.Central, PrivacyUnit.Client, "client={\"rho\":1.3,\"delta\":1e-6}")]
    [InlineData("""{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 6, "noiseDecay": 0.95 } }""", PrivacyUnit.Client, "client={\"epsilon\":5,\"delta\":1e-5}")]
    public void A_budget_admits_as_many_rounds_as_the_ledger_does(string privacy, PrivacyUnit unit, string budget)
    {
        var file = PrivateRun.Read(privacy, $"simulation.budgets.{budget}", "rounds=200");
        var admitted = AdmittedByLedger(file);

        var (budgets, examples) = (RunPlans.Budgets(file.Simulation.Budgets), ClientExamples.Of(file).Declared);
        var forecast = RunForecast.Of(file.Run, RunPlans.Everyone(file, examples), ForecastLedger.With(new LedgerPolicy { Defaults = budgets }, file.Run));
        var terms = budgets[unit];
        PrivacyCharge Charge(int round) => PrivacyPlan.Charges(file.Run, 75, round)[(int)unit];
        var measure = Pricing.MeasureOf(terms, Pricing.EventOf(Charge(1)));

        Assert.InRange(admitted, 1, 199);
        Assert.Equal(admitted, UnitPlans.RoundsAdmitted(terms, measure, Charge));
        Assert.Equal((RunState.BudgetExhausted, admitted), (forecast.Ending, forecast.Tasks.Count));
        Assert.All(forecast.Clients, client => Assert.Equal(admitted + 1, client.RefusedIn));
    }

    [Fact]
    public void The_proposed_order_admits_no_fewer_rounds_than_any_other()
    {
        var terms = new BudgetTerms { Epsilon = 8, Delta = Delta };
        var file = PrivateRun.Read(PrivateRun.Central, "simulation.budgets.client={\"epsilon\":8,\"delta\":1e-5,\"alpha\":100}", "rounds=2");

        var budget = Plan(file, PrivacyUnit.Client).Budget!;

        Assert.Equal(0, budget.RoundsAdmitted);
        var others = Enumerable.Range(1, 200).Select(step => 1 + (step * 0.1)).Max(alpha => UnitPlans.RoundsAdmitted(terms, PrivacyMeasure.Renyi(alpha), _ => Gaussian(2)));
        Assert.Equal(others, budget.ProposedRounds);
        Assert.Equal(9, budget.ProposedRounds);
    }

    [Fact]
    public void An_unbounded_charge_fits_no_budget_and_ends_the_run_before_its_first_round()
    {
        var plan = RunPlans.Of(PrivateRun.Read(PrivateRun.Example, "simulation.budgets.client={\"epsilon\":8,\"delta\":1e-5}"), [75, 75, 75, 75], Task, 2);

        Assert.Equal((RunState.BudgetExhausted, 0, 4), (plan.Ending, plan.RoundsDone, plan.ClientsLeftOut));
        Assert.Equal((0, null, null), (plan.Units[1].Budget!.RoundsAdmitted, plan.Units[1].Budget!.ProposedAlpha, plan.Units[1].Budget!.ProposedRounds));
    }

    [Fact]
    public void Traffic_is_the_model_times_the_tasks_and_time_the_task_times_them_over_the_workers()
    {
        var file = PrivateRun.Read(null, "selection={\"count\":3}");
        var bytes = SafetensorsWriter.FileLength(Model.Create(file.Run.Model).Layout);

        var plan = RunPlans.Of(file, [75, 75, 75, 75], Task, 8);

        Assert.Equal(new TrafficPlan { ModelBytes = bytes, DownPerRound = 3 * bytes, UpPerRound = 3 * bytes, Down = 30 * bytes, Up = 30 * bytes }, plan.Traffic);
        Assert.Equal(new TimePlan { TaskSeconds = 3, Workers = 2, RoundSeconds = 4.5, RunSeconds = 45 }, plan.Time);
    }

    [Fact]
    public void At_most_twelve_rounds_are_shown_evenly_from_the_first_to_the_last()
    {
        Assert.Equal([1, 2, 3], UnitPlans.Shown(3));
        Assert.Equal([1, 10, 19, 28, 37, 46, 55, 64, 73, 82, 91, 100], UnitPlans.Shown(100));
        Assert.Equal((12, 1, 100_000), (UnitPlans.Shown(100_000).Count, UnitPlans.Shown(100_000)[0], UnitPlans.Shown(100_000)[^1]));
        Assert.All(Enumerable.Range(1, 300), rounds => Assert.Equal(Math.Min(rounds, 12), UnitPlans.Shown(rounds).Distinct().Count()));
    }

    [Theory]
    [InlineData(null), InlineData(PrivateRun.Central), InlineData(PrivateRun.Example), InlineData(PrivateRun.Local), InlineData(PrivateRun.LocalCentral)]
    public void A_local_round_of_every_mode_can_be_timed(string? privacy) =>
        Assert.True(LocalRoundTime.Measure(PrivateRun.Read(privacy).Run, 75, rowsOfEach: 1, TimeProvider.System, TestContext.Current.CancellationToken) > TimeSpan.Zero);

    private static UnitPlan Plan(RunFile file, PrivacyUnit unit) => RunPlans.Of(file, ClientExamples.Of(file).Declared, Task, 2).Units[(int)unit];

    // Of four rounds; several tests look at each.
    private static UnitPlan Plan(string? privacy, PrivacyUnit unit) => Known.GetOrAdd(
        privacy ?? "", _ => new Lazy<RunPlan>(() => RunPlans.Of(PrivateRun.Read(privacy, "rounds=4"), [75, 75, 75, 75], Task, 2))).Value.Units[(int)unit];

    private static PrivacyCharge Gaussian(double z) => new() { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = z };

    private static IEnumerable<string> Draw(RunFile file, int round) => CohortSampling.Draw(
        file.Run.Seed,
        round,
        Enumerable.Range(0, 4).Select(index => new EligibleClient($"client-00000{index}", "", new ClientDataSet { Ledger = Ledger(index), ExampleCount = 75 })),
        file.Run.Selection).Cohort.Select(client => client.ClientId);

    private static LedgerIdentity Ledger(int index) => new() { Owner = "o", DataSet = "d", PartitionRule = "iid/4", PartitionSeed = 1, PartitionIndex = index };

    /// <summary>Rounds until the ledger itself refuses a client that is in all of them.</summary>
    private static int AdmittedByLedger(RunFile file)
    {
        var policy = new LedgerPolicy { Defaults = RunPlans.Budgets(file.Simulation.Budgets) };
        var state = LedgerState.Empty;
        for (var round = 1; ; round++)
        {
            var message = new ReserveBudget
            {
                RunId = Guid.Empty,
                RoundId = Guid.Empty,
                Round = round,
                Attempt = 1,
                Clients = [new ReservationRequest { ClientId = "a", Ledger = Ledger(0), Charges = PrivacyPlan.Charges(file.Run, 75, round) }],
            };
            var decision = PrivacyAccountant.Ledger.On(state with { Reservations = LedgerState.Empty.Reservations }, message, policy, DateTimeOffset.UnixEpoch);
            if (decision.Messages.OfType<BudgetRefused>().Any())
            {
                return round - 1;
            }

            state = decision.State;
        }
    }
}
