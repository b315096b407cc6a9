using System.Net;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Consumers;

[Collection("host")]
public sealed class RoundConsumersTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_round_goes_from_its_opening_to_the_next_model()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await _host.SubmitAsync("anna");
        await _host.SubmitAsync("ben");
        Assert.Equal(["anna", "ben"], new[] { (await _host.NextAsync<UpdateAdmitted>()).ClientId, (await _host.NextAsync<UpdateAdmitted>()).ClientId }.Order());
        Assert.Equal((BookState.Open, 2, 2), (_host.Book()!.State, _host.Book()!.Members, _host.Book()!.Admitted));

        await _host.DeliverAsync(Messages.Aggregate(minimumReports: 2));
        var commit = await _host.NextAsync<CommitBudget>();
        Assert.Equal((Messages.RunId, Messages.RoundId(), 1), (commit.RunId, commit.RoundId, commit.Round));
        var model = _host.Book()!.Result!;
        Assert.Equal(Messages.RefOf(Expected("anna", "ben")), model);
        Assert.Equal(BookState.Aggregated, _host.Book()!.State);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.GetAsync($"models/{model.Sha256}")).StatusCode);
        Assert.DoesNotContain("RoundAggregated", _host.Outbox());

        await _host.DeliverAsync(Messages.Committed());
        var aggregated = await _host.NextAsync<RoundAggregated>();
        Assert.Equal((model, 2, Messages.Receipt), (aggregated.Model, aggregated.UpdatesAdmitted, aggregated.Receipt));
        Assert.Null(aggregated.Evaluation);
        var published = await _host.NextAsync<ModelPublished>();
        Assert.Equal((1, model, 15, Messages.Receipt), (published.Version, published.Model, published.ParameterCount, published.Receipt));
        Assert.Equal(Expected("anna", "ben"), await _host.Http.GetByteArrayAsync($"models/{model.Sha256}"));
    }

    [Fact]
    public async Task The_next_round_starts_from_the_released_model()
    {
        var first = (await _host.AggregateAsync("anna")).Result!;
        await _host.DeliverAsync(Messages.Committed());
        var update = await _host.UploadAsync("ben", round: 2);
        await _host.DeliverAsync(Messages.OpenFor() with { RoundId = Messages.RoundId(2), Round = 2, BaseModel = first, CohortSize = 1, Members = [Messages.Member("ben", round: 2)] });
        await _host.DeliverAsync(Messages.Submit("ben", update) with
        {
            RoundId = Messages.RoundId(2),
            Round = 2,
            ReservationId = Messages.Reservation("ben", 2),
            BaseModelSha256 = first.Sha256,
        });
        await _host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(2), Round = 2 });
        await _host.NextAsync<CommitBudget>();

        var after = FedAvg.Combine(Weights(Expected("anna")), [Weighted("ben")], 1);
        Assert.Equal(Messages.RefOf(SafetensorsWriter.Write(Messages.Model.Layout, after)), _host.Book(2)!.Result);
    }

    [Fact]
    public async Task An_update_that_comes_before_its_round_is_admitted_when_the_round_opens()
    {
        await _host.SubmitAsync("anna");
        Assert.Equal(1, _host.CountOf("early_message"));

        await _host.DeliverAsync(Messages.OpenFor("anna"));
        Assert.Equal("anna", (await _host.NextAsync<UpdateAdmitted>()).ClientId);
        Assert.Equal(0, _host.CountOf("early_message"));
    }

    [Fact]
    public async Task An_update_under_a_lease_that_comes_later_is_admitted_then_and_the_old_lease_loses()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        var update = await _host.UploadAsync("anna");
        await _host.DeliverAsync(Messages.Submit("anna", update, lease: 2));
        Assert.Equal(1, _host.CountOf("early_message"));

        await _host.DeliverAsync(Messages.Open(1, Messages.Member("anna", lease: 2)));
        Assert.Equal("anna", (await _host.NextAsync<UpdateAdmitted>()).ClientId);
        await _host.DeliverAsync(Messages.Submit("anna", Messages.Blob('a'), lease: 1));
        Assert.Equal(RejectionCode.Equivocation, (await _host.NextAsync<UpdateRejected>()).ReasonCode);
    }

    [Fact]
    public async Task A_lost_lease_is_rejected_before_the_new_one_has_answered()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        await _host.DeliverAsync(Messages.Open(1, Messages.Member("anna", lease: 2)));
        var update = await _host.UploadAsync("anna");
        await _host.DeliverAsync(Messages.Submit("anna", update, lease: 1));
        var rejected = await _host.NextAsync<UpdateRejected>();
        Assert.Equal((RejectionCode.LeaseLost, false), (rejected.ReasonCode, rejected.IsFinal));

        await _host.DeliverAsync(Messages.Submit("anna", update, lease: 2));
        Assert.Equal(update.Sha256, (await _host.NextAsync<UpdateAdmitted>()).UpdateSha256);
    }

    [Fact]
    public async Task A_request_that_comes_before_the_last_page_waits_for_it()
    {
        await _host.DeliverAsync(Messages.Open(2, Messages.Member("anna")));
        await _host.SubmitAsync("anna");
        await _host.DeliverAsync(Messages.Aggregate());
        Assert.Equal(BookState.Open, _host.Book()!.State);

        await _host.DeliverAsync(Messages.Open(2, Messages.Member("ben")));
        await _host.NextAsync<CommitBudget>();
        Assert.Equal(Messages.RefOf(Expected("anna")), _host.Book()!.Result);
    }

    [Fact]
    public async Task A_request_that_comes_before_the_round_waits_for_it()
    {
        await _host.DeliverAsync(Messages.Aggregate(minimumReports: 3));
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        Assert.Equal("TOO_FEW_REPORTS", (await _host.NextAsync<RoundAbandoned>()).ReasonCode);
    }

    [Fact]
    public async Task Twenty_orders_of_the_submissions_give_one_model()
    {
        string[] clients = ["anna", "ben", "cem", "dora", "emil"];
        var models = new HashSet<string>();
        for (var order = 0; order < 20; order++)
        {
            SeededRandom.Derive(1, "order", order).Shuffle<string>(clients);
            models.Add(await RunAsync(Guid.Parse($"00000000-0000-4000-8000-{order:D12}"), clients));
        }

        Assert.Equal([Messages.RefOf(Expected([.. clients.Order(StringComparer.Ordinal)])).Sha256], models);
    }

    [Fact]
    public async Task Updates_are_summed_in_the_order_of_client_ids_and_in_no_other()
    {
        // 1 is lost beside 1e17 in double, so the order of the sum shows in the model.
        float[][] orders = [[1e17f, 1, -1e17f], [1e17f, -1e17f, 1], [1, 1e17f, -1e17f], [1, -1e17f, 1e17f], [-1e17f, 1, 1e17f], [-1e17f, 1e17f, 1]];
        foreach (var (i, values) in orders.Index())
        {
            var deltas = new[] { "anna", "ben", "cem" }.Zip(values, (client, value) => (Client: client, Delta: Enumerable.Repeat(value, 15).ToArray())).ToDictionary(x => x.Client, x => x.Delta);
            var model = await RunAsync(Guid.Parse($"00000000-0000-4000-9000-{i:D12}"), ["cem", "anna", "ben"], deltas);
            Assert.Equal(Messages.RefOf(Expected([.. values.Select(value => new WeightedUpdate(1, (_, slice) => slice.Fill(value)))])).Sha256, model);
        }
    }

    [Fact]
    public async Task S27_too_few_updates_abandon_the_round_and_release_nothing()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await _host.SubmitAsync("anna");
        await _host.DeliverAsync(Messages.Aggregate(minimumReports: 2));

        var abandoned = await _host.NextAsync<RoundAbandoned>();
        Assert.Equal(("TOO_FEW_REPORTS", "1 updates were admitted; the round needs 2."), (abandoned.ReasonCode, abandoned.Detail));
        await _host.DeliverAsync(Messages.Committed());
        Assert.Equal(BookState.Abandoned, _host.Book()!.State);
        Assert.Equal(["ModelPublished", "UpdateAdmitted", "RoundAbandoned"], _host.Outbox());
    }

    [Fact]
    public async Task S15_an_update_after_the_freeze_is_late_and_not_in_the_model()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await _host.SubmitAsync("anna");
        await _host.DeliverAsync(Messages.Aggregate());
        await _host.SubmitAsync("ben");

        Assert.Equal((RejectionCode.Late, true), (await _host.NextAsync<UpdateRejected>()) is var late ? (late.ReasonCode, late.IsFinal) : default);
        await _host.NextAsync<CommitBudget>();
        Assert.Equal(Messages.RefOf(Expected("anna")), _host.Book()!.Result);
    }

    [Fact]
    public async Task The_same_message_and_the_same_update_count_once()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        var submit = Messages.Submit("anna", await _host.UploadAsync("anna"));
        var id = Guid.NewGuid();
        await _host.DeliverAsync(submit, id);
        await _host.DeliverAsync(submit, id);
        await _host.DeliverAsync(submit);
        await _host.DeliverAsync(Messages.OpenFor("anna"));

        Assert.Equal((1, 1), (_host.Book()!.Admitted, _host.Book()!.Members));
        Assert.Equal(["ModelPublished", "UpdateAdmitted"], _host.Outbox());
    }

    [Fact]
    public async Task A_round_the_orchestrator_gave_up_takes_nothing_more()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        await _host.DeliverAsync(Messages.Abandoned());
        await _host.SubmitAsync("anna");
        await _host.DeliverAsync(Messages.Aggregate());

        Assert.Equal(RejectionCode.Late, (await _host.NextAsync<UpdateRejected>()).ReasonCode);
        Assert.Equal(BookState.Abandoned, _host.Book()!.State);
    }

    [Fact]
    public async Task A_round_that_is_given_up_before_its_book_came_does_not_stay_open()
    {
        await _host.DeliverAsync(Messages.Abandoned());
        await _host.DeliverAsync(Messages.OpenFor("anna"));
        await _host.ReplayedAsync<RoundAbandoned>();
        await _host.SubmitAsync("anna");

        Assert.Equal(RejectionCode.Late, (await _host.NextAsync<UpdateRejected>()).ReasonCode);
        Assert.Equal(BookState.Abandoned, _host.Book()!.State);
    }

    [Fact]
    public async Task S30_hostile_updates_are_rejected_each_with_its_reason_and_the_others_are_combined()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben", "cem", "dora", "emil", "fay"));
        await _host.SubmitAsync("anna");
        var hostile = Messages.Delta("ben");
        hostile[7] = float.NaN;
        await RejectAsync("ben", await _host.UploadAsync("ben", Messages.Bytes(hostile)), RejectionCode.NotFinite);
        await RejectAsync("cem", await _host.UploadAsync("cem", [0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3]), RejectionCode.Malformed);
        await RejectAsync("dora", Messages.RefOf(Messages.Bytes(Messages.Delta("anna"))), RejectionCode.BlobMismatch);
        await RejectAsync("emil", Messages.Blob('e') with { SizeBytes = 5_000_000 }, RejectionCode.TooLarge);
        await RejectAsync("fay", Messages.Blob('f') with { Sha256 = "../../aggregator.db" }, RejectionCode.BlobMismatch);

        await _host.DeliverAsync(Messages.Aggregate());
        await _host.NextAsync<CommitBudget>();
        Assert.Equal(Messages.RefOf(Expected("anna")), _host.Book()!.Result);
    }

    [Fact]
    public async Task An_update_shaped_for_another_run_does_not_get_into_the_round()
    {
        var otherRun = Guid.Parse("0193b7a0-0000-7000-8000-000000000002");
        var other = Messages.Spec with { Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [2], Outputs = 2 } };
        await _host.CreateAsync(other, otherRun);
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await _host.SubmitAsync("anna");
        var foreign = SafetensorsWriter.Write(Learning.Models.Model.Create(other.Model).Layout, new float[6]);
        await _host.DeliverAsync(Messages.Submit("ben", await _host.UploadAsync("ben", foreign)) with { RunId = otherRun });

        Assert.Equal(RejectionCode.NotSelected, (await _host.NextAsync<UpdateRejected>()).ReasonCode);
        await _host.DeliverAsync(Messages.Aggregate());
        await _host.NextAsync<CommitBudget>();
        Assert.Equal(Messages.RefOf(Expected("anna")), _host.Book()!.Result);
    }

    private async Task RejectAsync(string client, BlobRef update, string code)
    {
        await _host.DeliverAsync(Messages.Submit(client, update));
        var rejected = await _host.NextAsync<UpdateRejected>();
        Assert.Equal((client, code, true), (rejected.ClientId, rejected.ReasonCode, rejected.IsFinal));
    }

    /// <summary>A run of one round whose clients submit in this order.</summary>
    /// <param name="deltas">Their updates, each of one example; by default those that go with their names.</param>
    /// <returns>Hash of the model.</returns>
    private async Task<string> RunAsync(Guid runId, string[] order, Dictionary<string, float[]>? deltas = null)
    {
        await _host.CreateAsync(runId: runId);
        var roundId = Messages.RoundId(1, runId);
        await _host.DeliverAsync(Messages.Open(order.Length, [.. order.Select(client => Messages.Member(client, runId: runId))]) with { RunId = runId, RoundId = roundId });
        foreach (var client in order)
        {
            var update = await _host.UploadAsync(client, Messages.Bytes(deltas?[client] ?? Messages.Delta(client)), runId: runId);
            await _host.SendAsync(Messages.Submit(client, update, deltas is null ? Messages.Examples(client) : 1) with
            {
                RunId = runId,
                RoundId = roundId,
                ReservationId = Messages.Reservation(client, 1, runId),
            });
        }

        for (var i = 0; i < order.Length; i++)
        {
            await _host.NextAsync<UpdateAdmitted>();
        }

        await _host.DeliverAsync(Messages.Aggregate() with { RunId = runId, RoundId = roundId });
        await _host.NextAsync<CommitBudget>();
        return _host.Book(1, runId)!.Result!.Sha256;
    }

    /// <summary>The model that these clients' updates make of the first one, in this order.</summary>
    private static byte[] Expected(params string[] clients) => Expected([.. clients.Select(Weighted)]);

    private static byte[] Expected(WeightedUpdate[] updates) => SafetensorsWriter.Write(
        Messages.Model.Layout, FedAvg.Combine(Messages.Model.InitialWeights(Messages.Spec.Seed), updates, 1));

    private static WeightedUpdate Weighted(string client) => new(
        Messages.Examples(client), (from, values) => Messages.Delta(client).AsSpan(from, values.Length).CopyTo(values));

    private static float[] Weights(byte[] model)
    {
        using var stream = new MemoryStream(model);
        return SafetensorsHeader.Read(stream, model.Length).ReadWeights(stream, Messages.Model.Layout);
    }
}
