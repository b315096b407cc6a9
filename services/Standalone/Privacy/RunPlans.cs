using FlEvents.ClientWorker.Data;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Plans;
using FlEvents.Orchestrator.Rounds;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>Makes a run's plan from its file and the clients' declared examples alone.</summary>
public static class RunPlans
{
    /// <param name="file">A run file without errors.</param>
    /// <param name="examples">Declared examples by client: rows, or privacy units where these have a column; shape [clients].</param>
    /// <param name="task">One client's local round, with the mean number of examples.</param>
    /// <param name="processors">Processors of the machine.</param>
    /// <exception cref="InvalidDataException">A charge of the plan is out of every accountant's range.</exception>
    public static RunPlan Of(RunFile file, IReadOnlyList<int> examples, TimeSpan task, int processors)
    {
        var (run, budgets, clients) = (file.Run, Budgets(file.Simulation.Budgets), Everyone(file, examples));
        var schedule = RunForecast.Of(run, clients);
        var forecast = budgets.Count == 0 ? schedule : RunForecast.Of(run, clients, ForecastLedger.With(new LedgerPolicy { Defaults = budgets }, run));
        return RunPlan.Of(run, schedule, forecast, examples, budgets) with
        {
            Time = Time(task, Math.Min(file.Simulation.Slots(processors), processors), schedule, forecast),
        };
    }

    /// <summary>The budgets that a simulation gives its clients' ledgers, by unit.</summary>
    public static IReadOnlyDictionary<PrivacyUnit, BudgetTerms> Budgets(SimulationBudgets budgets) =>
        new[] { (Unit: PrivacyUnit.Example, Budget: budgets.Example), (Unit: PrivacyUnit.Client, Budget: budgets.Client) }
            .Where(entry => entry.Budget is not null)
            .ToDictionary(entry => entry.Unit, entry => entry.Budget!.Terms);

    /// <summary>The simulated clients as they will be enrolled.</summary>
    /// <param name="examples">Declared examples by client, shape [clients].</param>
    public static IReadOnlyList<EligibleClient> Everyone(RunFile file, IReadOnlyList<int> examples)
    {
        var roster = ClientRoster.OfPool(FederationSettings.Pool, examples.Count);
        var partition = file.Simulation.Partition;
        var rule = partition.Describe(examples.Count, file.Run.Data.PrivacyUnitColumn);
        return
        [
            .. examples.Select((count, index) => new EligibleClient(roster.IdOf(index), "", new ClientDataSet
            {
                ExampleCount = count,
                Ledger = new LedgerIdentity
                {
                    Owner = FederationSettings.Pool,
                    DataSet = file.Run.Data.DataSet,
                    PartitionRule = rule,
                    PartitionSeed = partition.Seed,
                    PartitionIndex = index,
                },
            })),
        ];
    }

    private static TimePlan Time(TimeSpan task, int workers, RunForecast schedule, RunForecast forecast)
    {
        // At least one task after the other where there are fewer tasks than workers; otherwise workers are never idle.
        double Seconds(int tasks) => task.TotalSeconds * Math.Max(1, tasks / (double)workers);
        return new TimePlan
        {
            TaskSeconds = task.TotalSeconds,
            Workers = workers,
            RoundSeconds = Seconds(schedule.LargestCohort),
            RunSeconds = forecast.Tasks.Sum(Seconds),
        };
    }
}
