using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Consumers;

[Collection("host")]
public sealed class RunConsumersTests : IDisposable
{
    private static readonly ColumnSpec[] Columns = [new() { Name = "x", Kind = ColumnKind.Numeric }];

    private static readonly RunSpec Digits = Messages.Spec with
    {
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [784], Outputs = 10 },
        Evaluation = new EvaluationSpec { DataSet = "held-out" },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_starts_with_the_weights_of_its_seed()
    {
        await using var host = await StartAsync();
        var published = await host.CreateAsync();

        Assert.Equal((Messages.RunId, 0, Messages.BaseModel, 15), (published.RunId, published.Version, published.Model, published.ParameterCount));
        Assert.Null(published.Receipt);
        Assert.Equal(Messages.BaseBytes, await host.Http.GetByteArrayAsync($"models/{published.Model.Sha256}"));
    }

    [Fact]
    public async Task Another_seed_gives_other_weights()
    {
        await using var host = await StartAsync();
        var spec = Messages.Spec with { Seed = 4 };

        Assert.Equal(Messages.RefOf(SafetensorsWriter.Write(Messages.Model.Layout, Messages.Model.InitialWeights(4))), (await host.CreateAsync(spec)).Model);
        Assert.NotEqual(Messages.BaseModel, Messages.RefOf(SafetensorsWriter.Write(Messages.Model.Layout, Messages.Model.InitialWeights(4))));
    }

    [Fact]
    public async Task A_run_is_created_once_however_often_it_is_asked_for()
    {
        await using var host = await StartAsync();
        var create = new CreateModel { RunId = Messages.RunId, Run = Messages.Spec };
        await host.DeliverAsync(create, Guid.Parse("11111111-1111-4111-8111-111111111111"));
        await host.DeliverAsync(create, Guid.Parse("11111111-1111-4111-8111-111111111111"));
        await host.DeliverAsync(create);
        await host.DeliverAsync(create with { Run = Messages.Spec with { Seed = 9 } });

        Assert.Equal(["ModelPublished"], host.Outbox());
    }

    [Fact]
    public async Task An_unknown_evaluation_data_set_is_refused_with_those_there_are()
    {
        await using var host = await StartAsync(("DataSets:other:Kind", "digits"), ("DataSets:other:Count", "5"));
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Digits });

        var refused = await host.NextAsync<ModelRefused>();
        Assert.Equal((Messages.RunId, "The Aggregator has no data set \"held-out\" for evaluation; it has other."), (refused.RunId, refused.Reason));
        Assert.Equal(["ModelRefused"], host.Outbox());
    }

    [Fact]
    public async Task An_evaluation_data_set_is_refused_where_there_are_none()
    {
        await using var host = await StartAsync();
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Digits });
        Assert.Equal("The Aggregator has no data set \"held-out\" for evaluation; it has none.", (await host.NextAsync<ModelRefused>()).Reason);
    }

    [Fact]
    public async Task Held_out_data_of_another_shape_is_refused()
    {
        await using var host = await StartAsync(("DataSets:held-out:Kind", "digits"), ("DataSets:held-out:Count", "5"));
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Messages.Spec with { Evaluation = Digits.Evaluation } });

        var reason = (await host.NextAsync<ModelRefused>()).Reason;
        Assert.Contains("784", reason, StringComparison.Ordinal);
        Assert.Contains("[4]", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_missing_or_malformed_is_refused_with_its_name()
    {
        await using var host = await StartAsync(Csv("held-out", "missing.csv", null));
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Tabular(LossKind.BinaryCrossEntropy, ["no", "yes"]) });
        Assert.Contains("missing.csv", (await host.NextAsync<ModelRefused>()).Reason, StringComparison.Ordinal);

        Csv("held-out", "missing.csv", "x,y\n1,perhaps\n");
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Tabular(LossKind.BinaryCrossEntropy, ["no", "yes"]) });
        Assert.Contains("expected one of the 2 declared classes", (await host.NextAsync<ModelRefused>()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_binary_label_is_scored_with_one_output()
    {
        await using var host = await StartAsync(Csv("held-out", "binary.csv", "x,y\n1,no\n2,yes\n"));
        Assert.Equal(2, (await host.CreateAsync(Tabular(LossKind.BinaryCrossEntropy, ["no", "yes"]))).ParameterCount);
    }

    [Fact]
    public async Task A_number_is_scored_with_one_output()
    {
        await using var host = await StartAsync(Csv("held-out", "numeric.csv", "x,y\n1,2.5\n2,-4\n"));
        Assert.Equal(2, (await host.CreateAsync(Tabular(LossKind.MeanSquaredError, null))).ParameterCount);
    }

    [Theory]
    [InlineData(LossKind.BinaryCrossEntropy, "binaryCrossEntropy")]
    [InlineData(LossKind.MeanSquaredError, "meanSquaredError")]
    public async Task A_loss_that_does_not_fit_the_outputs_is_refused(LossKind loss, string name)
    {
        await using var host = await StartAsync();
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Messages.Spec with { Training = Messages.Spec.Training with { Loss = loss } } });
        Assert.Contains($"The loss {name} needs 1 output", (await host.NextAsync<ModelRefused>()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_can_not_be_built_is_refused_with_the_property()
    {
        await using var host = await StartAsync();
        var spec = new ModelSpec { InputShape = [4], Outputs = 3 };
        await host.SendAsync(new CreateModel { RunId = Messages.RunId, Run = Messages.Spec with { Model = spec } });

        var error = Model.Check(spec)[0];
        Assert.Equal($"model.{error.Path}: {error.Message}", (await host.NextAsync<ModelRefused>()).Reason);
    }

    [Fact]
    public async Task What_was_sent_for_a_run_is_forgotten_when_it_ends()
    {
        await using var host = await StartAsync();
        await host.CreateAsync();
        await host.Database.WriteAsync(transaction => transaction.Execute("update outbox set sent_at = coalesce(sent_at, created_at)"), CancellationToken.None);
        await host.DeliverAsync(new RunCompleted { RunId = Messages.RunId, Outcome = RunOutcome.Completed, Reason = null, Model = null });

        Assert.Empty(host.Outbox());
    }

    private Task<AggregatorHost> StartAsync(params (string Key, string Value)[] settings) => AggregatorHost.StartAsync(_folder.File("data"), time: null, settings);

    private (string Key, string Value)[] Csv(string name, string file, string? text)
    {
        if (text is not null)
        {
            File.WriteAllText(_folder.File(file), text);
        }

        return [($"DataSets:{name}:Kind", "csv"), ($"DataSets:{name}:Path", _folder.File(file))];
    }

    private static RunSpec Tabular(LossKind loss, IReadOnlyList<string>? classes) => Messages.Spec with
    {
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [1], Outputs = 1 },
        Data = new DataSpec { DataSet = "table", Columns = Columns, Label = new LabelSpec { Name = "y", Classes = classes } },
        Training = Messages.Spec.Training with { Loss = loss },
        Evaluation = new EvaluationSpec { DataSet = "held-out" },
    };
}
