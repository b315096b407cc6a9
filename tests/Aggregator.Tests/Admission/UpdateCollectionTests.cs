using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Admission;

/// <summary>Nothing of a client is kept longer than it is needed.</summary>
[Collection("host")]
public sealed class UpdateCollectionTests : IDisposable
{
    private static readonly RunSpec KeepAll = Messages.Spec with { KeepUpdates = KeepUpdates.All };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Updates_go_when_their_round_is_released()
    {
        await using var host = await StartAsync(Messages.Spec);
        await host.AggregateAsync("anna", "ben");
        Assert.Equal(2, host.Blobs.Updates.Names().Count());

        await host.DeliverAsync(Messages.Committed());
        await Vanishing.OfAsync(PathOf("anna"));
        await Vanishing.OfAsync(PathOf("ben"));
        Assert.Equal(0, host.CountOf("upload"));
    }

    [Theory, InlineData(PrivacyMode.Local, 1), InlineData(PrivacyMode.None, 0)]
    public async Task A_second_noised_update_is_charged_once_also_when_the_first_went_with_its_round(PrivacyMode mode, int charges)
    {
        await using var host = await StartAsync(Messages.Spec with
        {
            Privacy = mode == PrivacyMode.None ? new PrivacySpec() : new PrivacySpec { Mode = mode, Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 1 } },
        });
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.UploadAsync("anna");
        await host.DeliverAsync(Messages.Abandoned());
        await Vanishing.OfAsync(PathOf("anna"));

        var other = Messages.Bytes(Messages.Delta("cem"));
        await host.UploadAsync("anna", other);
        await host.UploadAsync("anna", other);
        await host.UploadAsync("anna");
        Assert.Equal(charges, host.Outbox().Count(type => type == nameof(ChargeOutput)));
    }

    [Fact]
    public async Task Updates_go_when_their_round_is_abandoned()
    {
        await using var host = await StartAsync(Messages.Spec);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.SubmitAsync("anna");
        await host.UploadAsync("ben");
        await host.DeliverAsync(Messages.Aggregate(minimumReports: 2));

        await Vanishing.OfAsync(PathOf("anna"));
        await Vanishing.OfAsync(PathOf("ben"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_run_may_keep_its_updates_except_those_of_a_client_that_leaves(bool isReleased)
    {
        await using var host = await StartAsync(KeepAll);
        if (isReleased)
        {
            await host.AggregateAsync("anna", "ben");
            await host.DeliverAsync(Messages.Committed());
        }
        else
        {
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await host.SubmitAsync("anna");
            await host.SubmitAsync("ben");
            await host.DeliverAsync(Messages.Aggregate(minimumReports: 3));
        }

        // Behind the end of the round in the same queue: had that deleted anything, it were gone by now.
        await host.DeliverAsync(new ClientLeft { ClientId = "ben" });
        await Vanishing.OfAsync(PathOf("ben"));
        Assert.True(File.Exists(PathOf("anna")));
        Assert.Equal(1, host.CountOf("upload"));
    }

    [Fact]
    public async Task A_client_that_leaves_during_a_round_is_still_in_it_and_its_update_goes_after_it()
    {
        await using (var host = await StartAsync(KeepAll))
        {
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await host.SubmitAsync("anna");
            await host.SubmitAsync("ben");
            await host.DeliverAsync(new ClientLeft { ClientId = "ben" });
            Assert.True(File.Exists(PathOf("ben")));
            await host.DeliverAsync(Messages.Aggregate(minimumReports: 2));
            await host.NextAsync<CommitBudget>();
        }

        // Also when the process did not live through it.
        await using var restarted = await AggregatorHost.StartAsync(_folder.Path);
        await restarted.DeliverAsync(Messages.Committed());
        Assert.Equal(2, (await restarted.NextAsync<RoundAggregated>()).UpdatesAdmitted);
        await Vanishing.OfAsync(PathOf("ben"));
        Assert.True(File.Exists(PathOf("anna")));
    }

    [Fact]
    public async Task Bytes_that_two_tasks_share_stay_until_the_last_of_them_is_over()
    {
        await using var host = await StartAsync(Messages.Spec);
        var bytes = Messages.Bytes(Messages.Delta("anna"));
        var update = await host.UploadAsync("anna", bytes);
        await host.UploadAsync("ben", Messages.Bytes(Messages.Delta("ben")));
        await host.UploadAsync("anna", bytes, round: 2);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        var second = Messages.OpenFor() with { RoundId = Messages.RoundId(2), Round = 2, CohortSize = 1, Members = [Messages.Member("anna", round: 2)] };
        await host.DeliverAsync(second);
        await host.DeliverAsync(Messages.Abandoned());
        await Vanishing.OfAsync(PathOf("ben"));
        Assert.True(host.Blobs.Updates.Contains(update.Sha256));

        await host.DeliverAsync(Messages.Abandoned() with { RoundId = second.RoundId, Round = 2 });
        await Vanishing.OfAsync(PathOf("anna"));
    }

    [Fact]
    public async Task Uploads_and_messages_that_no_round_claims_go_after_their_time_and_not_before()
    {
        var time = new FakeTime(TimeProvider.System.GetUtcNow());
        await using var host = await StartAsync(Messages.Spec, time);
        await host.SubmitAsync("anna");
        await File.WriteAllBytesAsync(PartialOf("ben"), [1, 2, 3]);
        time.Advance(TimeSpan.FromHours(24));
        await host.UploadAsync("cem");
        Assert.Equal(1, host.CountOf("early_message"));

        time.Advance(TimeSpan.FromHours(2));
        await Vanishing.OfAsync(PathOf("anna"));
        await Vanishing.OfAsync(PartialOf("ben"));
        Assert.True(File.Exists(PathOf("cem")));

        // Forgotten in the same sweep, behind the files: the next sweep's files come after it.
        time.Advance(TimeSpan.FromHours(24));
        await Vanishing.OfAsync(PathOf("cem"));
        Assert.Equal(0, host.CountOf("early_message"));
    }

    [Fact]
    public async Task An_unfinished_upload_goes_with_its_round()
    {
        var time = new FakeTime(TimeProvider.System.GetUtcNow());
        await using var host = await StartAsync(Messages.Spec, time);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.DeliverAsync(Messages.OpenFor("cem") with { RoundId = Messages.RoundId(2), Round = 2, Members = [Messages.Member("cem", round: 2)] });
        await File.WriteAllBytesAsync(PartialOf("anna"), [1, 2, 3]);
        await File.WriteAllBytesAsync($"{PartialOf("ben")}-{Guid.NewGuid():N}", [1, 2, 3]);
        await File.WriteAllBytesAsync(PartialOf("cem", 2), [1, 2, 3]);
        await host.DeliverAsync(Messages.Abandoned());

        time.Advance(TimeSpan.FromMinutes(30));
        await Vanishing.OfAsync(PartialOf("anna"));
        await Vanishing.OfAsync(Directory.EnumerateFiles(_folder.File("updates", "partial"), $"{Path.GetFileName(PartialOf("ben"))}-*").FirstOrDefault(PartialOf("ben")));
        Assert.True(File.Exists(PartialOf("cem", 2)));
    }

    [Fact]
    public async Task Bytes_without_a_row_are_deleted_at_the_start()
    {
        await using (var host = await StartAsync(Messages.Spec))
        {
            await host.UploadAsync("anna");
        }

        await File.WriteAllBytesAsync(PathOf("ben"), Messages.Bytes(Messages.Delta("ben")));
        await File.WriteAllBytesAsync(_folder.File("updates", $"staged-{Guid.NewGuid():N}"), [1]);
        await using var restarted = await AggregatorHost.StartAsync(_folder.Path);
        await Vanishing.OfAsync(PathOf("ben"));
        Assert.Equal([PathOf("anna")], Directory.EnumerateFiles(_folder.File("updates")));
    }

    private async Task<AggregatorHost> StartAsync(RunSpec spec, TimeProvider? time = null)
    {
        var host = await AggregatorHost.StartAsync(_folder.Path, time);
        await host.CreateAsync(spec);
        return host;
    }

    private string PathOf(string client) => _folder.File("updates", Messages.RefOf(Messages.Bytes(Messages.Delta(client))).Sha256);

    private string PartialOf(string client, int round = 1) => _folder.File("updates", "partial", Messages.Reservation(client, round).ToString("N"));
}
