using System.Security.Cryptography;

namespace FlEvents.Contracts.Tests.Signatures;

public sealed class UpdateStatementTests : IDisposable
{
    private static readonly UpdateStatement Statement = new()
    {
        RunId = Guid.ParseExact("0193b7a0-0000-7000-8000-00000000000a", "D"),
        Round = 3,
        ClientId = "st-mary",
        ReservationId = Guid.ParseExact("7c9e6679-7425-80de-944b-e07fc1f90ae7", "D"),
        Attempt = 1,
        BaseModelSha256 = new string('b', 64),
        Update = new BlobRef { Sha256 = new string('c', 64), SizeBytes = 1000 },
        ExampleCount = 500,
        Privacy = new TaskPrivacy { DpSgd = null, ClipNorm = 1, NoiseMultiplier = 0.1 },
        Nonce = "00112233445566778899aabbccddeeff",
        IssuedAt = 1767225600000,
    };

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    // Written by hand after docs/enrolment.md; 1 and 0.1 are 3ff0000000000000 and 3fb999999999999a in IEEE 754.
    [Fact]
    public void It_is_written_as_documented() => Assert.Equal(
        $"v1|0193b7a0-0000-7000-8000-00000000000a|3|st-mary|7c9e6679-7425-80de-944b-e07fc1f90ae7|1|{new string('b', 64)}|{new string('c', 64)}|1000|500|3ff0000000000000|3fb999999999999a|00112233445566778899aabbccddeeff|1767225600000",
        Statement.Text);

    [Fact]
    public void What_there_is_not_is_empty_and_private_training_counts_before_the_clipping_of_the_update()
    {
        Assert.Contains("|1000||||", (Statement with { ExampleCount = null, Privacy = null }).Text, StringComparison.Ordinal);
        var both = new TaskPrivacy { DpSgd = new DpSgdTask { SamplingProbability = 0.5, Steps = 2, ClipNorm = 2, NoiseMultiplier = 4, DeclaredExamples = 10 }, ClipNorm = 1, NoiseMultiplier = null };
        Assert.Contains("|4000000000000000|4010000000000000|", (Statement with { Privacy = both }).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_about_its_task_and_update_alone()
    {
        var (task, text) = (Statement, Statement.Text);
        Assert.True(UpdateStatement.IsAbout(text, task.RunId, 3, "st-mary", task.ReservationId, task.Update.Sha256));
        Assert.False(UpdateStatement.IsAbout(text, Guid.Empty, 3, "st-mary", task.ReservationId, task.Update.Sha256));
        Assert.False(UpdateStatement.IsAbout(text, task.RunId, 4, "st-mary", task.ReservationId, task.Update.Sha256));
        Assert.False(UpdateStatement.IsAbout(text, task.RunId, 3, "st-john", task.ReservationId, task.Update.Sha256));
        Assert.False(UpdateStatement.IsAbout(text, task.RunId, 3, "st-mary", Guid.Empty, task.Update.Sha256));
        Assert.False(UpdateStatement.IsAbout(text, task.RunId, 3, "st-mary", task.ReservationId, new string('d', 64)));
        Assert.False(UpdateStatement.IsAbout($"{text}|more", task.RunId, 3, "st-mary", task.ReservationId, task.Update.Sha256));
    }

    [Fact]
    public void A_signature_holds_for_its_text_and_its_key_alone()
    {
        var (publicKey, value) = (ClientKey.PublicOf(_key), ClientKey.Sign(_key, Statement.Text));
        var name = ClientKey.NameOf(publicKey)!;
        Assert.True(ClientKey.IsSigned(Statement.Text, publicKey, value, name));
        Assert.False(ClientKey.IsSigned((Statement with { Round = 4 }).Text, publicKey, value, name));
        Assert.False(ClientKey.IsSigned(Statement.Text, publicKey, value, new string('a', 64)));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(ClientKey.IsSigned(Statement.Text, publicKey, ClientKey.Sign(other, Statement.Text), name));
        Assert.False(ClientKey.IsSigned(Statement.Text, ClientKey.PublicOf(other), ClientKey.Sign(other, Statement.Text), name));
    }

    [Theory, InlineData(""), InlineData("%%"), InlineData("AAAA"), InlineData("not base64")]
    public void What_is_no_signature_or_no_key_does_not_hold(string malformed)
    {
        var publicKey = ClientKey.PublicOf(_key);
        Assert.False(ClientKey.IsSigned("text", publicKey, malformed, ClientKey.NameOf(publicKey)!));
        Assert.Null(ClientKey.NameOf(malformed));
    }

    [Fact]
    public void Keys_of_other_curves_and_keys_in_another_spelling_are_none()
    {
        using var larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Null(ClientKey.NameOf(Convert.ToBase64String(larger.ExportSubjectPublicKeyInfo())));
        byte[] longer = [.. _key.ExportSubjectPublicKeyInfo(), 0];
        Assert.Null(ClientKey.NameOf(Convert.ToBase64String(longer)));
    }
}
