using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Orchestrator.Plans;

/// <summary>What a run comes to before anything of it runs: privacy, traffic and time. Everyone is taken to answer.</summary>
public record RunPlan
{
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required string Name { get; init; }
    public required PrivacyMode Mode { get; init; }
    public required int Rounds { get; init; }
    public required int Clients { get; init; }

    /// <summary>Column whose values are the privacy units, each of which counts as one example; null where each row is one.</summary>
    public required string? PrivacyUnitColumn { get; init; }

    /// <summary>Examples of the client with the fewest, and of the one with the most.</summary>
    public required int FewestExamples { get; init; }

    public required int MostExamples { get; init; }

    /// <summary>Most tasks of a round.</summary>
    public required int Cohort { get; init; }

    /// <summary>Whether the rounds of each client are those its seed draws; else each client is taken to be in every round, which charges it no less.</summary>
    public required bool CohortsAreDrawn { get; init; }

    /// <summary>How the run ends by its budgets: <c>completed</c>, <c>budgetExhausted</c>, or <c>abandoned</c> when too few tasks are admitted.</summary>
    [JsonConverter(typeof(CamelCaseEnumConverter<RunState>))]
    public required RunState Ending { get; init; }

    /// <summary>Rounds that the budgets admit.</summary>
    public required int RoundsDone { get; init; }

    /// <summary>Clients that a budget leaves out at some round.</summary>
    public required int ClientsLeftOut { get; init; }

    public required IReadOnlyList<UnitPlan> Units { get; init; }
    public required TrafficPlan Traffic { get; init; }

    /// <summary>As a local round was measured; left out where none was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimePlan? Time { get; init; }

    /// <summary>As earlier runs went; left out where there was none alike, or nobody has looked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EarlierTime? Earlier { get; init; }

    /// <summary>Puts a run's plan together.</summary>
    /// <param name="schedule">Who takes part in which round, without budgets.</param>
    /// <param name="forecast">The same, as budgets let it go on; the schedule where there are none.</param>
    /// <param name="examples">Declared examples by client; shape [clients], at least one.</param>
    /// <param name="budgets">Budgets of the clients' data, by unit.</param>
    /// <exception cref="InvalidDataException">A charge of the plan is out of every accountant's range.</exception>
    public static RunPlan Of(
        RunSpec run, RunForecast schedule, RunForecast forecast, IReadOnlyCollection<int> examples, IReadOnlyDictionary<PrivacyUnit, BudgetTerms> budgets)
    {
        var clients = schedule.Clients.Select(client => new PlannedClient(client.Client.ClientId, client.Client.Data.ExampleCount, client.Rounds)).ToList();
        return new RunPlan
        {
            Name = run.Name,
            Mode = run.Privacy.Mode,
            Rounds = run.Rounds,
            Clients = examples.Count,
            PrivacyUnitColumn = run.Data.PrivacyUnitColumn,
            FewestExamples = examples.Min(),
            MostExamples = examples.Max(),
            Cohort = schedule.LargestCohort,
            CohortsAreDrawn = schedule.IsDrawn,
            Ending = forecast.Ending,
            RoundsDone = forecast.Tasks.Count,
            ClientsLeftOut = forecast.Clients.Where(client => client.RefusedIn is not null).Sum(client => client.Alike),
            Units = [.. Enum.GetValues<PrivacyUnit>().Select(unit => UnitPlans.Of(run, clients, unit, budgets.GetValueOrDefault(unit)))],
            Traffic = TrafficPlan.Of(Model.Create(run.Model), schedule, forecast),
        };
    }
}

/// <summary>Model bytes to the clients and update bytes from them, as the run counts them.</summary>
public record TrafficPlan
{
    public required long ModelBytes { get; init; }
    public required long DownPerRound { get; init; }
    public required long UpPerRound { get; init; }

    /// <summary>Over the rounds that the budgets admit.</summary>
    public required long Down { get; init; }

    public required long Up { get; init; }

    internal static TrafficPlan Of(Model model, RunForecast schedule, RunForecast forecast)
    {
        var bytes = SafetensorsWriter.FileLength(model.Layout);
        var perRound = bytes * schedule.LargestCohort;
        var all = bytes * forecast.Tasks.Sum(tasks => (long)tasks);
        return new TrafficPlan { ModelBytes = bytes, DownPerRound = perRound, UpPerRound = perRound, Down = all, Up = all };
    }
}

/// <summary>An estimate of the time that local training takes.</summary>
public record TimePlan
{
    /// <summary>One client's local round, as measured in this process; of a client with the mean number of examples.</summary>
    public required double TaskSeconds { get; init; }

    /// <summary>Tasks at the same time.</summary>
    public required int Workers { get; init; }

    public required double RoundSeconds { get; init; }

    /// <summary>Over the rounds that the budgets admit.</summary>
    public required double RunSeconds { get; init; }
}

/// <summary>How long rounds have taken before, in the newest run with the same model, data, training and privacy mode.</summary>
public record EarlierTime
{
    public required Guid RunId { get; init; }

    /// <summary>Its rounds that were completed.</summary>
    public required int Rounds { get; init; }

    /// <summary>Their mean, from the draw of the cohort to the new model.</summary>
    public required double RoundSeconds { get; init; }

    /// <summary>So many of them as are planned.</summary>
    public required double RunSeconds { get; init; }
}
