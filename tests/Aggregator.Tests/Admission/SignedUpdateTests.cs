using System.Net;
using System.Security.Cryptography;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests.Admission;

/// <summary>A client with a key: only what it has signed is stored, counts, or is charged.</summary>
[Collection("host")]
public sealed class SignedUpdateTests : IAsyncLifetime
{
    private const string Anna = "anna";
    private static readonly Guid Task1 = Messages.Reservation(Anna);
    private static readonly byte[] First = Messages.Bytes(Messages.Delta(Anna));
    private static readonly byte[] Second = Messages.Bytes(Messages.Delta("other"));

    private static readonly RunSpec Spec = Messages.Spec with
    {
        Privacy = new PrivacySpec { Mode = PrivacyMode.Local, Local = new LocalPrivacySpec { ClipNorm = 100, NoiseMultiplier = 1 } },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private AggregatorHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await AggregatorHost.StartAsync(_folder.Path);
        await _host.CreateAsync(Spec);
        await _host.DeliverAsync(Messages.Open(2, Messages.Member(Anna) with { KeySha256 = ClientKey.NameOf(ClientKey.PublicOf(_key)) }, Messages.Member("ben")));
    }

    public async ValueTask DisposeAsync()
    {
        _key.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_update_that_is_not_signed_by_its_clients_key_takes_no_place_and_leaves_nothing()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var own = Signed(First);
        UpdateSignature?[] forgeries =
        [
            null,
            Signed(First, key: other),
            Signed(Second),
            Signed(First, statement => statement with { Round = 2 }),
            Signed(First, statement => statement with { ReservationId = Messages.Reservation("ben") }),
            Signed(First, statement => statement with { BaseModelSha256 = new string('0', 64) }),
            Signed(First, statement => statement with { Privacy = statement.Privacy! with { NoiseMultiplier = 0.5 } }),
            own with { Nonce = new string('0', 32) },
            own with { IssuedAt = own.IssuedAt + 1 },
            own with { Value = "" },
        ];
        foreach (var forgery in forgeries)
        {
            var refused = await Assert.ThrowsAsync<UploadRefusedException>(() => UploadAsync(First, forgery));
            Assert.Contains(RejectionCode.BadSignature, refused.Message, StringComparison.Ordinal);
        }

        // None of them has taken the place that the first to offer gets.
        await UploadAsync(Second, Signed(Second));
        Assert.Equal([Messages.RefOf(Second).Sha256], _host.Blobs.Updates.Names());
        Assert.DoesNotContain(nameof(ChargeOutput), _host.Outbox());
    }

    [Fact]
    public async Task An_announcement_that_is_not_signed_is_turned_away_and_the_clients_own_still_counts()
    {
        var signature = Signed(First);
        await UploadAsync(First, signature);
        var announced = Messages.Submit(Anna, Messages.RefOf(First)) with { ExampleCount = null, TrainingLoss = null, TrainingSeconds = null };
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var forgery in new[] { null, Signed(First, key: other), Signed(Second), signature with { ExampleCount = 1 } })
        {
            await _host.DeliverAsync(announced with { Signature = forgery });
            var rejected = await _host.NextAsync<UpdateRejected>();
            Assert.Equal((RejectionCode.BadSignature, false), (rejected.ReasonCode, rejected.IsFinal));
        }

        await _host.DeliverAsync(announced with { Signature = signature });
        Assert.Equal(Task1, (await _host.NextAsync<UpdateAdmitted>()).ReservationId);
        await _host.DeliverAsync(announced with { Signature = null, Update = Messages.RefOf(Second) });
        Assert.Equal(RejectionCode.BadSignature, (await _host.NextAsync<UpdateRejected>()).ReasonCode);
    }

    [Fact]
    public async Task Other_bytes_than_those_that_were_signed_are_discarded_and_nobody_is_charged()
    {
        await UploadAsync(First, Signed(First));
        using var request = Put(Second, Signed(First), announced: First);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await _host.Http.SendAsync(request)).StatusCode);
        Assert.Equal([Messages.RefOf(First).Sha256], _host.Blobs.Updates.Names());
        Assert.DoesNotContain(nameof(ChargeOutput), _host.Outbox());
    }

    [Fact]
    public async Task A_client_with_a_key_says_which_update_follows()
    {
        using var request = Put(First, Signed(First), announced: null);
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Http.SendAsync(request)).StatusCode);
        Assert.Empty(_host.Blobs.Updates.Names());
    }

    [Fact]
    public async Task A_task_opens_the_model_that_it_begins_from_and_no_other()
    {
        Assert.Equal(HttpStatusCode.OK, await ReadAsync(Messages.BaseModel.Sha256, "anna-1-token"));
        Assert.Equal(HttpStatusCode.Forbidden, await ReadAsync(Messages.BaseModel.Sha256, "ben-1-token"));
        Assert.Equal(HttpStatusCode.Forbidden, await ReadAsync(new string('0', 64), "anna-1-token"));

        async Task<HttpStatusCode> ReadAsync(string sha256, string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"models/{sha256}");
            request.Headers.Add("Reservation-Id", Task1.ToString("D"));
            request.Headers.Add("Lease-Token", token);
            using var answer = await _host.Http.SendAsync(request);
            return answer.StatusCode;
        }
    }

    private Task UploadAsync(byte[] update, UpdateSignature? signature) =>
        new HttpUpdateSink(_host.Http).SubmitAsync(Task1, "anna-1-token", Messages.RefOf(update), update, signature, CancellationToken.None);

    private static HttpRequestMessage Put(byte[] update, UpdateSignature signature, byte[]? announced)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"updates/{Task1}") { Content = new ByteArrayContent(update) };
        request.Headers.Add(HttpUpdateSink.LeaseToken, "anna-1-token");
        request.Headers.Add(HttpUpdateSink.UpdateSignature, Convert.ToBase64String(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(signature, System.Text.Json.JsonSerializerOptions.Web)));
        if (announced is not null)
        {
            request.Headers.Add(HttpUpdateSink.UpdateSha256, Messages.RefOf(announced).Sha256);
        }

        return request;
    }

    private UpdateSignature Signed(byte[] update, Func<UpdateStatement, UpdateStatement>? change = null, ECDsa? key = null)
    {
        var statement = new UpdateStatement
        {
            RunId = Messages.RunId,
            Round = 1,
            ClientId = Anna,
            ReservationId = Task1,
            Attempt = 1,
            BaseModelSha256 = Messages.BaseModel.Sha256,
            Update = Messages.RefOf(update),
            ExampleCount = null,
            Privacy = PrivacyPlan.TaskOf(Spec, 100, 1),
            Nonce = "00112233445566778899aabbccddeeff",
            IssuedAt = 1767225600000,
        };
        statement = change?.Invoke(statement) ?? statement;
        return new UpdateSignature
        {
            PublicKey = ClientKey.PublicOf(key ?? _key),
            ExampleCount = null,
            Nonce = statement.Nonce,
            IssuedAt = statement.IssuedAt,
            Value = ClientKey.Sign(key ?? _key, statement.Text),
        };
    }
}
