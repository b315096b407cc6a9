using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Consumers;

/// <summary>What becomes of messages that the service can't or won't act on.</summary>
[Collection("host")]
public sealed class QuarantineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_message_that_no_consumer_can_deal_with_is_put_aside_with_its_reason_and_others_go_on()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.CreateAsync();

        // The page of a book that is no page: it has members of no round.
        await host.SendAsync(Messages.OpenFor("anna") with { Members = null! });
        var poison = await NextAsync(host, count: 1);
        Assert.Equal((nameof(OpenRound), QuarantineReason.Poison, "aggregator"), (poison[0].Type, poison[0].Reason, poison[0].Service));

        await host.DeliverAsync(Messages.OpenFor("anna"));
        Assert.NotNull(host.Book());
    }

    [Fact]
    public async Task A_rejected_update_is_put_aside_with_its_code_and_can_be_replayed_once_what_it_lacked_is_there()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.CreateAsync();
        await host.DeliverAsync(Messages.OpenFor("ben"));
        await host.DeliverAsync(Messages.Submit("anna", await host.UploadAsync("anna")));
        Assert.Equal(RejectionCode.NotSelected, (await host.NextAsync<UpdateRejected>()).ReasonCode);
        var rejected = Assert.Single(await NextAsync(host, count: 1));
        Assert.Equal((nameof(UpdateSubmitted), RejectionCode.NotSelected), (rejected.Type, rejected.Reason));

        await host.DeliverAsync(Messages.Open(2, Messages.Member("anna"), Messages.Member("ben")));
        using var replayed = await host.Http.PostAsync(new Uri($"quarantine/aggregator/{rejected.Id}/replay", UriKind.Relative), content: null);
        Assert.Equal(HttpStatusCode.NoContent, replayed.StatusCode);
        Assert.Equal("anna", (await host.NextAsync<UpdateAdmitted>()).ClientId);
        Assert.Empty(await ListAsync(host));
    }

    [Fact]
    public async Task A_message_is_shown_with_its_body_and_discarded_once()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.CreateAsync();
        await host.DeliverAsync(Messages.OpenFor("ben"));
        await host.DeliverAsync(Messages.Submit("anna", await host.UploadAsync("anna")));
        var path = new Uri($"quarantine/aggregator/{(await NextAsync(host, count: 1))[0].Id}", UriKind.Relative);
        var shown = await host.Http.GetFromJsonAsync<QuarantineView>(path, JsonSerializerOptions.Web);
        Assert.Equal("anna", JsonSerializer.Deserialize<UpdateSubmitted>(shown!.Body!, JsonSerializerOptions.Web)!.ClientId);
        using var first = await host.Http.DeleteAsync(path);
        using var second = await host.Http.DeleteAsync(path);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (first.StatusCode, second.StatusCode));
    }

    [Fact]
    public async Task Nobody_fills_the_disk_with_bad_messages()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.Database.WriteAsync(
            transaction =>
            {
                for (var i = 0; i < QuarantineStore.Most + 5; i++)
                {
                    QuarantineStore.Add(transaction, "fl-aggregator", Guid.CreateVersion7(), type: null, new string('x', 100), QuarantineReason.Unreadable, "…");
                }
            },
            CancellationToken.None);
        Assert.Equal(QuarantineStore.Most, host.Database.Read(QuarantineStore.Count));
        using var replayed = await host.Http.PostAsync(new Uri($"quarantine/aggregator/{QuarantineStore.Most}/replay", UriKind.Relative), content: null);
        Assert.Equal(HttpStatusCode.Conflict, replayed.StatusCode);
    }

    private static async Task<List<QuarantineView>> ListAsync(AggregatorHost host) =>
        (await host.Http.GetFromJsonAsync<List<QuarantineView>>("quarantine", JsonSerializerOptions.Web))!;

    private static async Task<List<QuarantineView>> NextAsync(AggregatorHost host, int count)
    {
        var found = await ListAsync(host);
        for (var look = 0; look < 1000 && found.Count < count; look++)
        {
            await Task.Delay(10);
            found = await ListAsync(host);
        }

        Assert.Equal(count, found.Count);
        return found;
    }
}
