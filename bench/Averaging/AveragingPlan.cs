using System.Globalization;
using System.Text.Json;
using FlEvents.ClientWorker.Data;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Bench.Averaging;

/// <summary>Everything random in a run, drawn as the services draw it, for the federated averaging in bench/peers to train on the same.</summary>
public sealed record AveragingPlan
{
    public required IReadOnlyList<int> Layers { get; init; }
    public required double LearningRate { get; init; }
    public required int BatchSize { get; init; }
    public required int Rounds { get; init; }
    public required int Epochs { get; init; }

    /// <summary>The first so many examples of the file train.</summary>
    public required int TrainCount { get; init; }

    /// <summary>The next so many score.</summary>
    public required int TestCount { get; init; }

    public required double Mean { get; init; }
    public required double Scale { get; init; }

    /// <summary>Training examples of each client, shape [clients][].</summary>
    public required int[][] Partition { get; init; }

    /// <summary>Clients of each round in the order their updates are summed, shape [rounds][].</summary>
    public required int[][] Cohorts { get; init; }

    /// <summary>For <c>round/client</c> the examples in the order they are trained, one epoch after another.</summary>
    public required IReadOnlyDictionary<string, int[]> BatchOrder { get; init; }

    /// <summary>Draws a run's plan.</summary>
    /// <exception cref="InvalidDataException">The run is something that the peer does not do.</exception>
    public static AveragingPlan Draw(RunFile file)
    {
        Check(file);
        var (run, simulation) = (file.Run, file.Simulation);
        var roster = ClientRoster.OfPool(FederationSettings.Pool, simulation.Clients);
        var source = simulation.Data[run.Data.DataSet];
        var trainCount = DataSetReader.CountExamples(source);
        var parts = Parts(simulation.Partition, source, trainCount, simulation.Clients)
            .Select((part, client) => ValidationSplit.Split(part.Length, run.Training.ValidationFraction, run.Seed, roster.IdOf(client)).Training
                .Select(i => part[i]).ToArray())
            .ToArray();
        var cohorts = Enumerable.Range(1, run.Rounds).Select(round => Cohort(run, round, simulation, roster)).ToArray();
        return new AveragingPlan
        {
            Layers = [run.Model.InputShape.Aggregate((a, b) => a * b), .. run.Model.Hidden ?? [], run.Model.Outputs],
            LearningRate = run.Training.LearningRate,
            BatchSize = run.Training.BatchSize,
            Rounds = run.Rounds,
            Epochs = run.Training.LocalEpochs,
            TrainCount = trainCount,
            TestCount = DataSetReader.CountExamples(simulation.Data[run.Evaluation.DataSet!]),
            Mean = run.Data.Image?.Mean ?? 0,
            Scale = run.Data.Image?.Scale ?? 1,
            Partition = parts,
            Cohorts = cohorts,
            BatchOrder = cohorts.Index()
                .SelectMany(cohort => cohort.Item.Select(client => (Round: cohort.Index + 1, Client: client)))
                .ToDictionary(
                    task => string.Create(CultureInfo.InvariantCulture, $"{task.Round}/{task.Client}"),
                    task => Order(run, task.Round, roster.IdOf(task.Client), parts[task.Client])),
        };
    }

    /// <summary>Writes <c>plan.json</c> and <c>initial.safetensors</c>.</summary>
    public static void Write(RunFile file, string folder)
    {
        var plan = Draw(file);
        var model = Model.Create(file.Run.Model);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "plan.json"), JsonSerializer.SerializeToUtf8Bytes(plan, JsonSerializerOptions.Web));
        File.WriteAllBytes(Path.Combine(folder, "initial.safetensors"), SafetensorsWriter.Write(model.Layout, model.InitialWeights(file.Run.Seed)));
    }

    private static int[][] Parts(PartitionSpec spec, DataSource source, int count, int clients) =>
        Learning.Data.Partition.Split(spec, DataSetReader.ReadPartitionValues(source, spec), count, clients);

    private static int[] Cohort(RunSpec run, int round, SimulationSpec simulation, ClientRoster roster)
    {
        var eligible = Enumerable.Range(0, simulation.Clients).Select(client => new EligibleClient(
            roster.IdOf(client),
            Address: "",
            new ClientDataSet
            {
                Ledger = new LedgerIdentity
                {
                    Owner = FederationSettings.Pool,
                    DataSet = run.Data.DataSet,
                    PartitionRule = simulation.Partition.Describe(simulation.Clients),
                    PartitionSeed = simulation.Partition.Seed,
                    PartitionIndex = client,
                },
                ExampleCount = 1,
            }));
        return [.. CohortSampling.Draw(run.Seed, round, eligible, run.Selection).Cohort.Select(client => roster.IndexOf(client.ClientId)!.Value)];
    }

    private static int[] Order(RunSpec run, int round, string clientId, int[] examples) =>
        [.. Learning.Training.BatchOrder
            .Batches(examples.Length, run.Training.BatchSize, run.Training.LocalEpochs, SeededRandom.Derive(run.Seed, "batches", round, clientId))
            .SelectMany(batch => batch)
            .Select(i => examples[i])];

    private static void Check(RunFile file)
    {
        var (run, data) = (file.Run, file.Simulation.Data);
        Require(run.Model.Name is ModelName.Mlp or ModelName.Logistic, "run.model.name", "mlp or logistic");
        Require(
            run.Training is { Optimizer: OptimizerKind.Sgd, Momentum: 0, WeightDecay: 0, Loss: LossKind.CrossEntropy },
            "run.training", "plain SGD and cross-entropy");
        Require(run.Evaluation.DataSet is not null, "run.evaluation.dataSet", "a data set to score on");
        var (train, test) = (data[run.Data.DataSet], data[run.Evaluation.DataSet!]);
        Require(
            train is { Kind: DataSourceKind.Idx, Skip: 0 } && test.Images == train.Images && test.Skip == train.Take,
            "simulation.data", "IDX files whose first examples train and whose next ones score");

        static void Require(bool holds, string key, string expected)
        {
            if (!holds)
            {
                throw new InvalidDataException($"{key}: the peer in bench/peers needs {expected}.");
            }
        }
    }
}
