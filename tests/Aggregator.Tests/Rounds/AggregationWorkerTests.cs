using System.Net;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Rounds;

/// <summary>Combining, and what is left of it when the process dies (S17 to S19).</summary>
[Collection("host")]
public sealed class AggregationWorkerTests : IDisposable
{
    private static readonly RunSpec Digits = Messages.Spec with
    {
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [784], Outputs = 10 },
        Evaluation = new EvaluationSpec { DataSet = "held-out", EveryRounds = 2 },
    };

    private static readonly (string Key, string Value)[] HeldOut = [("DataSets:held-out:Kind", "digits"), ("DataSets:held-out:Count", "30")];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task After_a_crash_before_the_book_names_a_model_the_same_one_is_made_and_leftovers_are_gone()
    {
        var expected = await UncrashedAsync();
        var crashed = _folder.File("crashed");
        string leftover;
        await using (var host = await AggregatorHost.StartAsync(crashed))
        {
            await host.CreateAsync();
            await FreezeWithoutBytesAsync(host, crashed);

            // As when the process dies behind the blob and before the row: with other noise it has another hash.
            var staged = host.Blobs.Unreleased.Stage(Messages.Bytes(Messages.Delta("noise")));
            host.Blobs.Unreleased.Publish(staged);
            leftover = staged.Ref.Sha256;
        }

        File.Move(Path.Combine(crashed, "hidden"), Path.Combine(crashed, "updates", Messages.RefOf(Messages.Bytes(Messages.Delta("anna"))).Sha256));
        await using var restarted = await AggregatorHost.StartAsync(crashed);
        Assert.False(restarted.Blobs.Unreleased.Contains(leftover));
        await restarted.NextAsync<CommitBudget>();

        Assert.Equal((BookState.Aggregated, expected), (restarted.Book()!.State, restarted.Book()!.Result));
        Assert.Equal([expected.Sha256], restarted.Blobs.Unreleased.Names());
    }

    [Fact]
    public async Task After_a_crash_before_the_release_the_named_model_is_released_once()
    {
        BlobRef model;
        await using (var host = await StartedAsync("data"))
        {
            model = (await host.AggregateAsync("anna", "ben")).Result!;
        }

        await using var restarted = await AggregatorHost.StartAsync(_folder.File("data"));
        await restarted.NextAsync<CommitBudget>();
        Assert.Equal((BookState.Aggregated, model), (restarted.Book()!.State, restarted.Book()!.Result));
        Assert.Equal(HttpStatusCode.NotFound, (await restarted.Http.GetAsync($"models/{model.Sha256}")).StatusCode);

        await restarted.DeliverAsync(Messages.Committed());
        await restarted.DeliverAsync(Messages.Committed() with { Receipt = new LedgerReceipt { Sequence = 9, Hash = new string('9', 64) } });
        Assert.Equal((model, Messages.Receipt), await restarted.NextAsync<RoundAggregated>() is var aggregated ? (aggregated.Model, aggregated.Receipt) : default);
        Assert.Equal((BookState.Released, Messages.Receipt), (restarted.Book()!.State, restarted.Book()!.Receipt));
        Assert.Single(restarted.Outbox(), "CommitBudget");
        Assert.Single(restarted.Outbox(), "RoundAggregated");
        Assert.Equal(model.SizeBytes, (await restarted.Http.GetByteArrayAsync($"models/{model.Sha256}")).Length);
        Assert.Empty(restarted.Blobs.Unreleased.Names());
    }

    [Fact]
    public async Task After_a_crash_between_the_move_of_the_model_and_its_release_it_is_released()
    {
        BlobRef model;
        await using (var host = await StartedAsync("data"))
        {
            model = (await host.AggregateAsync("anna", "ben")).Result!;
            host.Blobs.Unreleased.MoveTo(host.Blobs.Models, model.Sha256);
        }

        await using var restarted = await AggregatorHost.StartAsync(_folder.File("data"));
        await restarted.DeliverAsync(Messages.Committed());
        Assert.Equal(model, (await restarted.NextAsync<RoundAggregated>()).Model);
        Assert.True(restarted.Blobs.Models.Contains(model.Sha256));
    }

    [Fact]
    public async Task Ten_receipts_at_once_release_one_model()
    {
        await using var host = await StartedAsync("data");
        await host.AggregateAsync("anna");
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => host.DeliverAsync(Messages.Committed())));

        Assert.Single(host.Outbox(), "RoundAggregated");
        Assert.Equal(2, host.CountOf("model"));
    }

    [Fact]
    public async Task A_round_whose_update_is_missing_keeps_no_other_from_its_model_and_gets_its_own_later()
    {
        await using var host = await StartedAsync("data");
        await FreezeWithoutBytesAsync(host, _folder.File("data"));
        await host.DeliverAsync(Messages.OpenFor() with { RoundId = Messages.RoundId(2), Round = 2, CohortSize = 1, Members = [Messages.Member("cem", round: 2)] });
        await host.DeliverAsync(Messages.Submit("cem", await host.UploadAsync("cem", round: 2)) with
        {
            RoundId = Messages.RoundId(2),
            Round = 2,
            ReservationId = Messages.Reservation("cem", 2),
        });
        await host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(2), Round = 2 });
        Assert.Equal(2, (await host.NextAsync<CommitBudget>()).Round);
        Assert.Equal(BookState.Frozen, host.Book()!.State);

        File.Move(_folder.File("data", "hidden"), _folder.File("data", "updates", Messages.RefOf(Messages.Bytes(Messages.Delta("anna"))).Sha256));
        Assert.Equal(1, (await host.NextAsync<CommitBudget>()).Round);
    }

    [Theory, InlineData(1, false), InlineData(2, true), InlineData(3, false), InlineData(5, true)]
    public async Task The_model_is_scored_every_so_many_rounds_and_after_the_last(int round, bool isDue)
    {
        await using var host = await AggregatorHost.StartAsync(_folder.File("data"), time: null, HeldOut);
        var aggregated = await ScoreAsync(host, round, 0.01f);

        Assert.Equal(isDue, aggregated.Evaluation is not null);
        if (aggregated.Evaluation is { } evaluation)
        {
            Assert.Equal(30, evaluation.ExampleCount);
            Assert.InRange(evaluation.Loss, 0.1, 100);
            Assert.InRange(evaluation.Accuracy!.Value, 0, 1);
            Assert.Equal(10, evaluation.PerClassAccuracy!.Count);
        }
    }

    [Fact]
    public async Task Scores_that_are_not_finite_are_left_out_and_the_round_goes_on()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.File("data"), time: null, HeldOut);
        var aggregated = await ScoreAsync(host, 2, 3e38f);

        Assert.Null(aggregated.Evaluation);
        Assert.Equal(BookState.Released, host.Book(2)!.State);
    }

    [Fact]
    public async Task While_the_held_out_data_is_gone_updates_are_admitted_and_the_round_is_combined_when_it_is_back()
    {
        var data = _folder.File("data");
        ModelPublished created;
        await using (var host = await AggregatorHost.StartAsync(data, time: null, HeldOut))
        {
            created = await host.CreateAsync(Digits);
        }

        await using (var without = await AggregatorHost.StartAsync(data))
        {
            await SubmitDigitsAsync(without, created, 2, 0.01f);
            await without.NextAsync<UpdateAdmitted>();
            Assert.Equal(BookState.Frozen, without.Book(2)!.State);
        }

        await using var back = await AggregatorHost.StartAsync(data, time: null, HeldOut);
        await back.NextAsync<CommitBudget>();
        Assert.NotNull(back.Book(2)!.Evaluation);
    }

    /// <summary>The model of a round in which nothing went wrong.</summary>
    private async Task<BlobRef> UncrashedAsync()
    {
        await using var host = await StartedAsync("uncrashed");
        return (await host.AggregateAsync("anna", "ben")).Result!;
    }

    private async Task<AggregatorHost> StartedAsync(string folder)
    {
        var host = await AggregatorHost.StartAsync(_folder.File(folder));
        await host.CreateAsync();
        return host;
    }

    /// <summary>Freezes a book of anna and ben while anna's admitted bytes are in the file <c>hidden</c>, so that it can't be combined.</summary>
    private static async Task FreezeWithoutBytesAsync(AggregatorHost host, string folder)
    {
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.SubmitAsync("anna");
        await host.SubmitAsync("ben");
        File.Move(Path.Combine(folder, "updates", Messages.RefOf(Messages.Bytes(Messages.Delta("anna"))).Sha256), Path.Combine(folder, "hidden"));
        await host.DeliverAsync(Messages.Aggregate());
        Assert.Equal(BookState.Frozen, host.Book()!.State);
    }

    private static async Task<RoundAggregated> ScoreAsync(AggregatorHost host, int round, float delta)
    {
        await SubmitDigitsAsync(host, await host.CreateAsync(Digits), round, delta);
        await host.NextAsync<CommitBudget>();
        await host.DeliverAsync(Messages.Committed(round));
        return await host.NextAsync<RoundAggregated>();
    }

    /// <summary>A round of one client whose update has one value everywhere.</summary>
    private static async Task SubmitDigitsAsync(AggregatorHost host, ModelPublished created, int round, float delta)
    {
        var layout = Learning.Models.Model.Create(Digits.Model).Layout;
        var update = new float[layout.Length];
        for (var i = 0; i < update.Length; i++)
        {
            update[i] = i % 2 == 0 ? delta : -delta;
        }

        var roundId = Messages.RoundId(round);
        await host.DeliverAsync(Messages.OpenFor() with { RoundId = roundId, Round = round, BaseModel = created.Model, CohortSize = 1, Members = [Messages.Member("anna", round: round)] });
        var blob = await host.UploadAsync("anna", Learning.Safetensors.SafetensorsWriter.Write(layout, update), round);
        await host.DeliverAsync(Messages.Submit("anna", blob) with
        {
            RoundId = roundId,
            Round = round,
            ReservationId = Messages.Reservation("anna", round),
            BaseModelSha256 = created.Model.Sha256,
        });
        await host.DeliverAsync(Messages.Aggregate() with { RoundId = roundId, Round = round });
    }
}
