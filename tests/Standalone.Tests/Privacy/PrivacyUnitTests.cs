using System.Globalization;
using System.Text;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Plans;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary>A run whose unit is all rows of a patient: what is checked, planned and said.</summary>
public sealed class PrivacyUnitTests : IDisposable
{
    private const string Json = """
        {
          "run": {
            "name": "visits",
            "rounds": 2,
            "model": { "name": "logistic", "inputShape": [1], "outputs": 2 },
            "data": {
              "dataSet": "visits",
              "columns": [{ "name": "age", "kind": "numeric", "mean": 50, "scale": 20 }],
              "label": { "name": "ill", "classes": ["no", "yes"] },
              "privacyUnitColumn": "patient"
            },
            "training": { "learningRate": 0.1, "batchSize": 3 },
            "privacy": { "mode": "example", "example": { "clipNorm": 1, "noiseMultiplier": 1 } }
          },
          "simulation": { "clients": 4, "data": { "visits": { "kind": "csv", "path": "visits.csv" }, "later": { "kind": "csv", "path": "later.csv" } } }
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public PrivacyUnitTests()
    {
        // 160 visits of 40 patients, of whom some have many, in four hospitals of ten patients.
        Write("visits.csv", Enumerable.Range(0, 160).Select(Patient));
        Write("later.csv", Enumerable.Range(100, 20));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_client_declares_its_patients_and_the_plan_charges_for_them()
    {
        var file = Read();
        var examples = ClientExamples.Of(file);
        Assert.Equal([10, 10, 10, 10], examples.Declared);
        Assert.Equal(4, examples.RowsOfEach);

        var plan = RunPlans.Of(file, examples.Declared, TimeSpan.FromSeconds(1), processors: 2);
        var charge = plan.Units.Single(unit => unit.Unit == PrivacyUnit.Example).Charge;
        Assert.Equal((0.3, 4L), (charge.SamplingProbability, charge.Steps));
        Assert.Equal("patient", plan.PrivacyUnitColumn);
        var page = PrivateRun.Shown(console => PlanView.Write(console, plan));
        Assert.Contains("Clients   4 with 10 privacy units each (the values of \"patient\")\n", page, StringComparison.Ordinal);
        Assert.Contains("with 10 privacy units, 2 tasks\n", page, StringComparison.Ordinal);
        var forecast = RunForecast.Of(file.Run, RunPlans.Everyone(file, examples.Declared));
        Assert.Equal("iid/4 by patient", forecast.Clients[0].Client.Data.Ledger.PartitionRule);
        Assert.Equal(10, Audit.FewestExamples(file));
        Assert.True(LocalRoundTime.Measure(file.Run, 10, examples.RowsOfEach, TimeProvider.System, TestContext.Current.CancellationToken) > TimeSpan.Zero);
    }

    [Fact]
    public void Without_the_column_rows_are_declared()
    {
        var file = Read("data.privacyUnitColumn=null");
        Assert.Equal([40, 40, 40, 40], ClientExamples.Of(file).Declared);
        var plan = RunPlans.Of(file, [40, 40, 40, 40], TimeSpan.FromSeconds(1), processors: 2);
        Assert.Contains("4 with 40 examples each\n", PrivateRun.Shown(console => PlanView.Write(console, plan)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("$.run.data.privacyUnitColumn: expected a column that is no feature, since it says whose row it is, got \"age\"", "data.privacyUnitColumn=age")]
    [InlineData(
        "$.simulation.data.visits: visits.csv: line 1: no column 'person'; expected it among 'age', 'hospital', 'patient', 'ill'.", "data.privacyUnitColumn=person")]
    [InlineData("$.simulation.partition: 41 clients for 40 privacy units; expected at least one privacy unit each.", "simulation.clients=41")]
    [InlineData(
        "$.simulation.partition: column 'ill': 9 privacy units have rows with several values; expected one value each, since a unit's rows stay with one client.",
        "simulation.partition={\"rule\":\"column\",\"column\":\"ill\"}", "simulation.clients=2")]
    [InlineData(
        "$.run.evaluation.dataSet: expected held-out data of other privacy units than \"visits\" has, got 40 values of column \"patient\" that are in both",
        "evaluation.dataSet=visits")]
    public void What_does_not_fit_is_refused_with_its_name_and_the_reason(string error, params string[] changes) =>
        Assert.Equal([error], Load(changes).Errors.Select(found => found.ToString()));

    [Theory, InlineData("evaluation.dataSet=later"), InlineData("simulation.partition={\"rule\":\"column\",\"column\":\"hospital\"}"), InlineData("privacy={\"mode\":\"none\"}")]
    public void What_fits_is_taken(string change) => Assert.Empty(Load(change).Errors);

    [Fact]
    public void A_patient_on_both_sides_of_a_cut_of_one_file_is_found_and_held_out_data_without_the_column_is_taken()
    {
        string[] cut = ["simulation.data.visits.take=100", "simulation.data.later={\"kind\":\"csv\",\"path\":\"visits.csv\",\"skip\":100}", "evaluation.dataSet=later"];
        var known = Enumerable.Range(0, 100).Select(Patient).ToHashSet();
        var shared = Enumerable.Range(100, 60).Select(Patient).Where(known.Contains).Distinct().Count();
        Assert.Contains($"got {shared} values of column \"patient\" that are in both", Assert.Single(Load(cut).Errors).Message, StringComparison.Ordinal);

        File.WriteAllText(_folder.File("later.csv"), "age,ill\n30,no\n");
        Assert.Empty(Load("evaluation.dataSet=later").Errors);
    }

    [Fact]
    public void The_worker_of_a_simulation_counts_by_the_column()
    {
        using var settings = JsonDocument.Parse(FederationSettings.Create(Read(), _folder.Path, Transport.Memory, processors: 2));
        Assert.Equal("patient", settings.RootElement.GetProperty("ClientWorker").GetProperty("PrivacyUnitColumns").GetProperty("visits").GetString());
        using var without = JsonDocument.Parse(FederationSettings.Create(Read("data.privacyUnitColumn=null"), _folder.Path, Transport.Memory, processors: 2));
        Assert.False(without.RootElement.GetProperty("ClientWorker").TryGetProperty("PrivacyUnitColumns", out _));
    }

    [Fact]
    public void The_report_names_the_unit_and_without_it_says_that_a_person_with_several_rows_is_not_covered()
    {
        var with = Report(Read().Run);
        Assert.Contains("Differential privacy for all rows with one value of &quot;patient&quot;", with, StringComparison.Ordinal);
        Assert.Contains("zero-out: the contribution of all rows with one value of &quot;patient&quot; is replaced by none", with, StringComparison.Ordinal);
        Assert.Contains("the mean gradient of all rows with one value of", with, StringComparison.Ordinal);
        Assert.Contains("rows with a certain value of &quot;patient&quot;, however many, can hardly be told", with, StringComparison.Ordinal);
        Assert.Contains("A person counts as several where it has several values of &quot;patient&quot;, or rows with several clients.", with, StringComparison.Ordinal);
        Assert.DoesNotContain("A person with several rows", with, StringComparison.Ordinal);
        Assert.Contains(">Privacy units<", with, StringComparison.Ordinal);

        var without = Report(Read("data.privacyUnitColumn=null").Run);
        Assert.Contains("Differential privacy for each example", without, StringComparison.Ordinal);
        Assert.Contains("A person with several rows counts as several examples: what is promised for one example is not promised for that person.", without, StringComparison.Ordinal);
        Assert.DoesNotContain("patient", without, StringComparison.Ordinal);
    }

    [Theory, InlineData(PrivateRun.Local), InlineData(PrivateRun.Central)]
    public void Where_a_client_is_the_unit_the_report_speaks_of_the_client(string privacy)
    {
        var guarantee = Guarantees.Of(Read($"privacy={privacy}", "selection.count=4").Run, [])!;
        Assert.Equal(("each client", "zero-out: one client's contribution is replaced by none"), (guarantee.UnitText, guarantee.Adjacency));
        Assert.DoesNotContain(guarantee.NotProtected, sentence => sentence.Contains("several rows", StringComparison.Ordinal));
    }

    private static string Report(RunSpec run) =>
        ReportPage.Create(Summary.Create(ExampleRun.Run(spec: run), ExampleRun.Rounds(), ExampleRun.Contributions(), [], TimeSpan.FromSeconds(1), "0.1.0"));

    private RunFile Read(params string[] changes)
    {
        var (file, errors) = Load(changes);
        Assert.Empty(errors);
        return file!;
    }

    private Orchestrator.Runs.SpecReading<RunFile> Load(params string[] changes)
    {
        File.WriteAllText(_folder.File("run.json"), Json, Encoding.UTF8);
        return RunFileReader.LoadWithData(_folder.File("run.json"), changes);
    }

    private static int Patient(int row) => row < 40 ? row : row * row % 40;

    private void Write(string name, IEnumerable<int> patients) => File.WriteAllText(
        _folder.File(name),
        "age,hospital,patient,ill\n" + string.Concat(patients.Select((patient, row) =>
            string.Create(CultureInfo.InvariantCulture, $"{20 + (row % 60)},{"NESW"[patient % 4]},p{patient},{(row / 3 % 2 == 0 ? "no" : "yes")}\n"))));
}
