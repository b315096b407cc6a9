using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>A further output of a client that has a key is charged on that client's own word, and on nobody else's.</summary>
public sealed class SignedOutputTests : IAsyncDisposable
{
    private static readonly string Output = new('c', 64);
    private readonly LedgerFile _file = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public async ValueTask DisposeAsync()
    {
        _key.Dispose();
        await _file.DisposeAsync();
    }

    [Fact]
    public async Task Nobody_else_can_have_a_further_output_charged_to_it()
    {
        await using var host = await AccountantHost.StartAsync(_file.Folder);
        var reserve = Messages.Reserve("anna@north", "ben@south");
        await host.SendAsync(reserve with { Clients = [reserve.Clients[0] with { KeySha256 = ClientKey.NameOf(ClientKey.PublicOf(_key)) }, reserve.Clients[1]] });
        await host.NextAsync<BudgetReserved>();
        var head = host.Ledger.Head();

        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var forged in new[] { null, Signed(Output, other), Signed(new string('d', 64), _key), Signed(Output, _key) with { Value = "" }, Signed(Output, _key, round: 2) })
        {
            await host.SendAsync(Messages.Output("anna", 1, Output) with { Signed = forged });
            Assert.Contains("signed with its key", Assert.IsType<InvalidDataException>(await host.HandledAsync<ChargeOutput>()).Message, StringComparison.Ordinal);
        }

        Assert.Equal(head, host.Ledger.Head());
        await host.SendAsync(Messages.Output("anna", 1, Output) with { Signed = Signed(Output, _key) });
        Assert.Null(await host.HandledAsync<ChargeOutput>());
        await host.SendAsync(Messages.Output("ben", 1, Output));
        Assert.Null(await host.HandledAsync<ChargeOutput>());

        // Two units, each reserved and committed, for each of the two.
        Assert.Equal(head.Sequence + 8, host.Ledger.Head().Sequence);
    }

    private static SignedStatement Signed(string sha256, ECDsa key, int round = 1)
    {
        var text = new UpdateStatement
        {
            RunId = Messages.RunA,
            Round = round,
            ClientId = "anna",
            ReservationId = ReservationId.Of(Messages.RunA, 1, "anna", 1),
            Attempt = 1,
            BaseModelSha256 = new string('b', 64),
            Update = new BlobRef { Sha256 = sha256, SizeBytes = 100 },
            ExampleCount = null,
            Privacy = null,
            Nonce = "00112233445566778899aabbccddeeff",
            IssuedAt = 1767225600000,
        }.Text;
        return new SignedStatement { Statement = text, PublicKey = ClientKey.PublicOf(key), Value = ClientKey.Sign(key, text) };
    }
}
