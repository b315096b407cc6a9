using System.Net;
using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Admission;

/// <summary>A worker that means another worker's client (scenario S33, as far as the Aggregator can see it).</summary>
[Collection("host")]
public sealed class ImpersonationTests : IAsyncLifetime
{
    private const string Victim = "anna";
    private const string Other = "ben";

    private static readonly RunSpec Noised = Messages.Spec with
    {
        Privacy = new PrivacySpec { Mode = PrivacyMode.Local, Local = new LocalPrivacySpec { ClipNorm = 10, NoiseMultiplier = 1 } },
    };

    private readonly TemporaryFolder _folder = new();
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync(Noised);
        await _host.DeliverAsync(Messages.OpenFor(Victim, Other));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task S33_a_worker_can_neither_upload_nor_submit_for_another_workers_client_and_the_ledger_hears_nothing_of_it()
    {
        using var upload = new HttpRequestMessage(HttpMethod.Put, $"updates/{Messages.Reservation(Victim)}") { Content = new ByteArrayContent(Messages.Bytes(Messages.Delta(Other))) };
        upload.Headers.Add("Lease-Token", Messages.Token(Other));
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(upload)).StatusCode);

        // Bytes of its own in the other's name: for the other's task with its own token, and for its own task.
        var own = await _host.UploadAsync(Other);
        var forged = Messages.Submit(Victim, own) with { LeaseToken = Messages.Token(Other), ExampleCount = null };
        await _host.DeliverAsync(forged);
        await _host.DeliverAsync(forged with { ReservationId = Messages.Reservation(Other) });
        Assert.Equal([Victim, Victim], new[] { (await _host.NextAsync<UpdateRejected>()).ClientId, (await _host.NextAsync<UpdateRejected>()).ClientId });
        Assert.Equal(["ModelPublished", "UpdateRejected", "UpdateRejected"], _host.Outbox());
        Assert.Equal(0, _host.Book()!.Admitted);

        // The victim's own update is taken as if nothing had been.
        var update = await _host.UploadAsync(Victim);
        await _host.DeliverAsync(Messages.Submit(Victim, update) with { ExampleCount = null });
        Assert.Equal(Victim, (await _host.NextAsync<UpdateAdmitted>()).ClientId);
        Assert.DoesNotContain("ChargeOutput", _host.Outbox());
    }
}
