using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Consumers;

/// <summary>Updates that come after their round was closed, in a run that lets them be one round late.</summary>
[Collection("host")]
public sealed class LateUpdateTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync(Messages.Spec with { Aggregation = new AggregationSpec { LateRounds = 1 } });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_late_update_is_in_the_next_model_with_its_weight_divided_by_the_root_of_two()
    {
        var first = await FirstRoundAsync();
        await _host.DeliverAsync(Second(first, Messages.Member("carl", round: 2), Messages.Member("ben") with { CarriedFrom = Messages.RoundId() }));
        var late = await _host.NextAsync<UpdateAdmitted>();
        Assert.Equal(("ben", 2, 1, Messages.Reservation("ben")), (late.ClientId, late.Round, late.RoundsLate, late.ReservationId));

        var fresh = Messages.Submit("carl", await _host.UploadAsync("carl", round: 2), Messages.Examples("carl")) with
        {
            RoundId = Messages.RoundId(2), Round = 2, ReservationId = Messages.Reservation("carl", 2), BaseModelSha256 = first.Sha256,
        };
        await _host.DeliverAsync(fresh);
        await _host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(2), Round = 2 });

        // ben was charged in the first round, and only there.
        Assert.Equal(1, (await _host.NextAsync<CommitBudget>()).Charged);

        var expected = FedAvg.Combine(WeightsOf(first), [Weighted("ben", Messages.Examples("ben") / Math.Sqrt(2)), Weighted("carl", Messages.Examples("carl"))], 1);
        Assert.Equal(Messages.RefOf(SafetensorsWriter.Write(Messages.Model.Layout, expected)), _host.Book(2)!.Result);
        Assert.Equal(2, _host.Book(2)!.Admitted);
    }

    [Fact]
    public async Task A_late_update_is_kept_until_the_round_that_it_counts_in_is_final()
    {
        var first = await FirstRoundAsync();
        Assert.True(_host.Blobs.Updates.Contains(Late.Sha256));
        await _host.DeliverAsync(Second(first, Messages.Member("ben") with { CarriedFrom = Messages.RoundId() }));
        Assert.True(_host.Blobs.Updates.Contains(Late.Sha256));
        await _host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(2), Round = 2 });
        await _host.NextAsync<CommitBudget>();
        await _host.DeliverAsync(Messages.Committed(2));
        await GoneAsync(Late.Sha256);
    }

    [Fact]
    public async Task A_late_update_that_no_round_took_goes_when_none_may_take_it_any_more()
    {
        var first = await FirstRoundAsync();
        foreach (var round in new[] { 2, 3 })
        {
            Assert.True(_host.Blobs.Updates.Contains(Late.Sha256));
            await _host.DeliverAsync(Messages.Open(1, Messages.Member("carl", round: round)) with { RoundId = Messages.RoundId(round), Round = round, BaseModel = first });
        }

        await _host.DeliverAsync(new ClientLeft { ClientId = "zoe" });
        await GoneAsync(Late.Sha256);
    }

    [Fact]
    public async Task An_update_that_was_never_late_can_not_be_carried()
    {
        var first = await FirstRoundAsync();
        await _host.DeliverAsync(Second(first, Messages.Member("anna") with { CarriedFrom = Messages.RoundId() }));
        var rejected = await _host.NextAsync<UpdateRejected>();
        Assert.Equal((RejectionCode.NotSelected, 2, true), (rejected.ReasonCode, rejected.Round, rejected.IsFinal));
        Assert.Equal((1, 0), (_host.Book(2)!.Members, _host.Book(2)!.Admitted));
    }

    private static BlobRef Late => Messages.RefOf(Messages.Bytes(Messages.Delta("ben")));

    /// <summary>A round of two, one of whom is late.</summary>
    /// <returns>Its model.</returns>
    private async Task<BlobRef> FirstRoundAsync()
    {
        await _host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await _host.SubmitAsync("anna");
        await _host.NextAsync<UpdateAdmitted>();
        await _host.DeliverAsync(Messages.Aggregate());
        await _host.NextAsync<CommitBudget>();
        await _host.DeliverAsync(Messages.Committed());
        await _host.NextAsync<RoundAggregated>();
        await _host.SubmitAsync("ben");
        var rejected = await _host.NextAsync<UpdateRejected>();
        Assert.Equal((RejectionCode.Late, "ben", true), (rejected.ReasonCode, rejected.ClientId, rejected.IsFinal));
        Assert.Equal(0, _host.CountOf("quarantine"));
        return _host.Book()!.Result!;
    }

    private static OpenRound Second(BlobRef model, params RoundMember[] members) =>
        Messages.Open(members.Length, members) with { RoundId = Messages.RoundId(2), Round = 2, BaseModel = model };

    private float[] WeightsOf(BlobRef model)
    {
        using var bytes = new MemoryStream(_host.Blobs.Models.Read(model, 1 << 20));
        return SafetensorsHeader.Read(bytes, bytes.Length).ReadWeights(bytes, Messages.Model.Layout);
    }

    private static WeightedUpdate Weighted(string client, double weight) =>
        new(weight, (from, values) => Messages.Delta(client).AsSpan(from, values.Length).CopyTo(values));

    private async Task GoneAsync(string sha256)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (_host.Blobs.Updates.Contains(sha256))
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
