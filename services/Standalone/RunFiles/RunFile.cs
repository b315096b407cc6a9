using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Data;

namespace FlEvents.Standalone.RunFiles;

/// <summary>A run file: what is run, and for <c>flevents run</c> also the clients and the data of the simulation.</summary>
public record RunFile
{
    [Description("Address of the JSON Schema, for editors."), JsonPropertyName("$schema")]
    public string? Schema { get; init; }

    [Description("What is run; also the body of POST /runs.")]
    public required RunSpec Run { get; init; }

    [Description("The clients and their data, all on one machine; only `flevents run` reads it.")]
    public required SimulationSpec Simulation { get; init; }
}

/// <summary>Clients that are simulated on one machine, and where their data is.</summary>
public record SimulationSpec
{
    [Description("Data sets by name. Paths are relative to the run file; ${NAME} and ${NAME:-default} in them are environment variables.")]
    public required IReadOnlyDictionary<string, DataSource> Data { get; init; }

    [Description("How the run's data set is split among the clients.")]
    public PartitionSpec Partition { get; init; } = new();

    [Description("Clients to simulate."), Range(1, 1000000)]
    public required int Clients { get; init; }

    [Description("Clients that train at the same time; as many as the machine has processors where absent."), Range(1, 1024)]
    public int? Workers { get; init; }

    [Description("Privacy budgets of the simulated clients' data, by unit; none where absent.")]
    public SimulationBudgets Budgets { get; init; } = new();

    /// <summary>Clients that train at the same time.</summary>
    /// <param name="processors">Processors of the machine.</param>
    public int Slots(int processors) => Workers ?? Math.Clamp(processors, 1, Clients);
}

/// <summary>What the data of each simulated client may spend. It is kept in the ledger: a resumed run, and another one in the same folder, go on from there.</summary>
public record SimulationBudgets
{
    [Description("For a single example.")]
    public SimulationBudget? Example { get; init; }

    [Description("For a client's whole data.")]
    public SimulationBudget? Client { get; init; }
}

/// <summary>A budget of ε at δ, or of ρ.</summary>
public record SimulationBudget
{
    [Description("ε; with delta."), Range(1e-6, 1e6)]
    public double? Epsilon { get; init; }

    [Description("δ. Of a budget of ρ it says only at which δ its ε is shown; 1e-5 where absent."), Range(1e-15, 0.5)]
    public double? Delta { get; init; }

    [Description("Rényi order α of the filter, above 1; without it, the one that allows the most of the first charge."), Range(1.0001, 100000.0)]
    public double? Alpha { get; init; }

    [Description("ρ of zCDP, instead of ε: it counts sampling as q = 1."), Range(1e-9, 1e6)]
    public double? Rho { get; init; }

    /// <summary>The terms as the ledger takes them.</summary>
    [JsonIgnore]
    public BudgetTerms Terms => new() { Epsilon = Epsilon, Delta = Delta, Alpha = Alpha, Rho = Rho };
}
