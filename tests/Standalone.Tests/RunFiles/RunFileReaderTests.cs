using System.Text;
using FlEvents.Orchestrator.Runs;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.RunFiles;

public class RunFileReaderTests
{
    private static readonly string Digits = File.ReadAllText(Repository.File("samples", "digits.json"));
    private static readonly string Mnist = File.ReadAllText(Repository.File("samples", "mnist.json"));

    [Theory, InlineData("digits.json"), InlineData("mnist.json")]
    public void Samples_are_sound(string name) => Assert.Empty(RunFileReader.Load(Repository.File("samples", name), []).Errors);

    [Fact]
    public void A_run_file_is_read_in_both_parts()
    {
        var (file, errors) = Read(Digits);

        Assert.Empty(errors);
        Assert.Equal("digits", file!.Run.Name);
        Assert.Equal(10, file.Simulation.Clients);
        Assert.Equal(6000, file.Simulation.Data["digits"].Count);
    }

    [Fact]
    public void As_many_clients_train_at_once_as_there_are_processors_unless_the_file_says_otherwise()
    {
        var simulation = Read(Digits).Spec!.Simulation;

        Assert.Equal(4, simulation.Slots(4));
        Assert.Equal(10, simulation.Slots(64));
        Assert.Equal(3, (simulation with { Workers = 3 }).Slots(64));
    }

    [Theory]
    [InlineData("$.run.training.learningRate: expected a number in [1e-12, 1000000], got 0", "training.learningRate=0")]
    [InlineData("$.run.training.learningRate: expected a number in [1e-12, 1000000], got \"NaN\"", "run.training.learningRate=NaN")]
    [InlineData("$.run.training.learningRat: unknown key; did you mean \"learningRate\"?", "training.learningRat=1")]
    [InlineData("$.simulation.client: unknown key; did you mean \"clients\"?", "simulation.client=1")]
    [InlineData("$.run.nothing: unknown key; known here: name, seed, rounds, model, data, training, selection, aggregation, privacy, evaluation, keepUpdates", "nothing.at.all=1")]
    [InlineData("$.run.rounds: expected a whole number in [1, 100000], got an object", "rounds.x=1")]
    [InlineData("$.run.model.inputShape: expected a list of whole numbers, got an object", "model.inputShape.3=1")]
    [InlineData("--set: expected key=value such as training.learningRate=0.05, got \"rounds\"", "rounds")]
    [InlineData("--set: expected key=value such as training.learningRate=0.05, got \"a..b=1\"", "a..b=1")]
    public void A_wrong_override_is_reported_like_the_same_in_the_file(string expected, string change) => AssertErrors([expected], Digits, change);

    [Fact]
    public void Overrides_change_values_in_lists_objects_and_both_parts_and_the_last_counts()
    {
        var (file, errors) = Read(
            Digits,
            "run.name=night shift",
            "rounds=3",
            "rounds=4",
            "model={\"name\": \"mlp\", \"inputShape\": [1, 1, 1], \"outputs\": 10}",
            "model.hidden=[8]",
            "model.inputShape.1=28",
            "model.inputShape.2=28",
            "simulation.workers=2",
            "selection.minimumReports=1",
            "evaluation.federated=false");

        Assert.Empty(errors);
        Assert.Equal("night shift", file!.Run.Name);
        Assert.Equal(4, file.Run.Rounds);
        Assert.Equal([1, 28, 28], file.Run.Model.InputShape);
        Assert.Equal([8], file.Run.Model.Hidden);
        Assert.Equal(2, file.Simulation.Workers);
        Assert.False(file.Run.Evaluation.Federated);
    }

    [Fact]
    public void A_key_given_twice_stays_an_error_under_overrides() =>
        AssertErrors(["$.run.rounds: this key is given twice"], Digits.Replace("\"rounds\": 10", "\"rounds\": 10, \"rounds\": 11", StringComparison.Ordinal), "seed=3");

    [Fact]
    public void Paths_are_relative_to_the_run_file_and_take_variables_with_defaults()
    {
        var (file, _) = Read(Mnist);
        Assert.Equal("/home/ann/data/mnist/t10k-images-idx3-ubyte.gz", file!.Simulation.Data["mnist"].Images);

        var (moved, _) = Read(Mnist, name => name == "MNIST_DIR" ? "/srv/mnist" : null);
        Assert.Equal("/srv/mnist/t10k-labels-idx1-ubyte.gz", moved!.Simulation.Data["mnist-test"].Labels);

        var (empty, _) = Read(Mnist, _ => "");
        Assert.Equal("/home/ann/data/mnist/t10k-images-idx3-ubyte.gz", empty!.Simulation.Data["mnist"].Images);
    }

    [Theory]
    [InlineData("${MNIST_DIR}/a", "expected the environment variable MNIST_DIR to be set, or a default as in ${MNIST_DIR:-folder}")]
    [InlineData("${MNIST-DIR}/a", "expected ${NAME} or ${NAME:-default}, got \"${MNIST-DIR}\"")]
    [InlineData("${MNIST", "expected ${NAME} or ${NAME:-default}, got \"${MNIST\"")]
    public void A_variable_that_cannot_be_resolved_is_named(string path, string message) =>
        AssertErrors([$"$.simulation.data.mnist.images: {message}"], Mnist, $"simulation.data.mnist.images={path}");

    [Theory]
    [InlineData("$.run.selection.minimumClients", "selection.minimumClients=11")]
    [InlineData("$.run.selection.count", "selection.count=11")]
    [InlineData("$.run.selection.minimumReports", "selection.minimumReports=11")]
    [InlineData("$.run.selection.minimumReports", "selection.fraction=0.5", "selection.minimumClients=1")]
    [InlineData("$.run.data.dataSet", "data.dataSet=letters")]
    [InlineData("$.run.evaluation.dataSet", "evaluation.dataSet=letters")]
    [InlineData("$.run.model.outputs", "model.outputs=9")]
    [InlineData("$.run.model.hidden", "model.hidden=[3]")]
    [InlineData("$.simulation.clients", "simulation.clients=6001")]
    [InlineData("$.simulation.data.digits", "simulation.data.digits.skip=6000")]
    [InlineData("$.simulation.data.digits.kind", "simulation.data.digits.kind=null")]
    [InlineData("$.simulation.data.digits.path", "simulation.data.digits.path=x.csv")]
    [InlineData("$.simulation.data.Spare", "simulation.data.Spare={\"kind\": \"digits\", \"count\": 1}")]
    [InlineData("$.simulation.partition.alpha", "simulation.partition.rule=dirichlet")]
    [InlineData("$.simulation.partition.column", "simulation.partition={\"rule\": \"column\", \"column\": \"site\"}")]
    public void A_simulation_that_does_not_fit_the_run_is_refused(string path, params string[] changes)
    {
        var error = Assert.Single(Read(Digits, changes).Errors);
        Assert.Equal(path, error.Path);
    }

    [Fact]
    public void A_csv_needs_columns_and_images_take_none()
    {
        const string Csv = """{ "kind": "csv", "path": "a.csv" }""";
        var error = Assert.Single(Read(Digits, $"simulation.data.digits={Csv}").Errors);

        Assert.Equal("$.run.data.dataSet: expected images, since run.data has no columns, got the CSV \"digits\"", error.ToString());
    }

    [Fact]
    public void Errors_of_both_parts_are_reported_together() =>
        Assert.Equal(
            ["$.run.rounds", "$.simulation.clients", "$.run.selection.leaseSeconds"],
            Read(Digits, "rounds=0", "simulation.clients=0", "selection.leaseSeconds=9999", "selection.minimumClients=1", "selection.minimumReports=1")
                .Errors.Select(error => error.Path).Distinct());

    [Fact]
    public void A_file_that_is_not_there_is_an_error_with_its_path()
    {
        var error = Assert.Single(RunFileReader.Load("/nowhere/run.json", []).Errors);
        Assert.Equal("/nowhere/run.json", error.Path);
    }

    private static void AssertErrors(string[] expected, string json, params string[] overrides) =>
        Assert.Equal(expected, Read(json, overrides).Errors.Select(error => error.ToString()));

    private static SpecReading<RunFile> Read(string json, params string[] overrides) => Read(json, _ => null, overrides);

    private static SpecReading<RunFile> Read(string json, Func<string, string?> environment, params string[] overrides) =>
        RunFileReader.Read(Encoding.UTF8.GetBytes(json), "/home/ann/samples", overrides, environment);
}
