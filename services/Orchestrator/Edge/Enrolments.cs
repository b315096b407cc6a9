using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Edge;

/// <summary>What came of a request about an enrolment.</summary>
/// <param name="Enrolment">As it is now; null when the request was refused.</param>
/// <param name="Status">HTTP status of a refusal.</param>
/// <param name="Detail">Why it was refused, a sentence.</param>
public record EnrolmentAnswer(Enrolment? Enrolment, int Status = 0, string? Detail = null)
{
    public static EnrolmentAnswer Refused(int status, string detail) => new(null, status, detail);
}

/// <summary>Invites clients, takes their keys in, and carries an operator's decisions about them out; each one transaction.</summary>
public sealed class Enrolments(OrchestratorDatabase database, RunCommands commands)
{
    private const string TokenPrefix = "fli_";

    /// <summary>Invites a client, or invites it again; its present key stays good until a new one is approved.</summary>
    /// <returns>The answer, and the token, which is not kept.</returns>
    public async Task<(EnrolmentAnswer Answer, string Token)> InviteAsync(string clientId, string owner, TimeSpan valid, CancellationToken cancellationToken)
    {
        var token = TokenPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var answer = await database.WriteAsync(
            transaction =>
            {
                var known = EnrolmentStore.Find(transaction, clientId);
                if (known is not null && known.Owner != owner)
                {
                    return EnrolmentAnswer.Refused(409, $"Client {clientId} belongs to {known.Owner}; for {owner} choose another client id.");
                }

                if (ClientStore.Find(transaction, clientId) is { IsEdge: false })
                {
                    return EnrolmentAnswer.Refused(409, $"Client {clientId} is enrolled by a worker on the broker.");
                }

                return Saved(transaction, (known ?? new Enrolment { ClientId = clientId, Owner = owner }) with
                {
                    TokenSha256 = EnrolmentStore.HashOf(token),
                    TokenEndsAt = transaction.Now + valid,
                    WaitingKey = null,
                    WaitingData = null,
                });
            },
            cancellationToken);
        return (answer, token);
    }

    /// <summary>Takes the key in that comes with a token. The first key is the one: with it the request may come again.</summary>
    public Task<EnrolmentAnswer> EnrolAsync(EnrolmentRequest request, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            if (EnrolmentStore.FindByToken(transaction, request.Token) is not { } invited || transaction.Now >= invited.TokenEndsAt)
            {
                return EnrolmentAnswer.Refused(401, "The token is not known, or no longer good.");
            }

            if (!ClientKey.IsSigned(request.Statement, request.PublicKey, request.Signature, ClientKey.NameOf(request.PublicKey) ?? ""))
            {
                return EnrolmentAnswer.Refused(403, "The signature is not that of the public key over enrol-v1|TOKEN|PUBLICKEY.");
            }

            return invited.WaitingKey switch
            {
                null => Saved(transaction, invited with { WaitingKey = request.PublicKey, WaitingData = request.DataSets }),
                var waiting when waiting == request.PublicKey => new EnrolmentAnswer(invited),
                _ => EnrolmentAnswer.Refused(409, "Another key came with this token before."),
            };
        },
        cancellationToken);

    /// <summary>Lets a waiting key in.</summary>
    /// <param name="keySha256">The key that is meant: another one that came meanwhile is not let in by mistake.</param>
    public Task<EnrolmentAnswer> ApproveAsync(string clientId, string keySha256, CancellationToken cancellationToken) => ChangeAsync(
        clientId,
        (transaction, enrolment) =>
        {
            if (enrolment.WaitingKey is not { } waiting)
            {
                return enrolment.Key is { } key && ClientKey.NameOf(key) == keySha256
                    ? new EnrolmentAnswer(enrolment)
                    : EnrolmentAnswer.Refused(409, $"No key of {clientId} waits for approval.");
            }

            if (ClientKey.NameOf(waiting) is var name && name != keySha256)
            {
                return EnrolmentAnswer.Refused(409, $"The key of {clientId} that waits is {name}, not {keySha256}.");
            }

            var profile = new ClientProfile { ClientId = clientId, DataSets = [.. enrolment.WaitingData!.Select(enrolment.DataSetOf)], KeySha256 = name };
            ClientStore.Save(transaction, pool: null, profile, isEdge: true);
            return Saved(transaction, enrolment with
            {
                Key = waiting,
                IsRevoked = false,
                IsSuspended = false,
                TokenSha256 = null,
                TokenEndsAt = null,
                WaitingKey = null,
                WaitingData = null,
            });
        },
        cancellationToken);

    /// <summary>The client is neither drawn nor heard until it is resumed.</summary>
    public Task<EnrolmentAnswer> SuspendAsync(string clientId, CancellationToken cancellationToken) => ChangeAsync(
        clientId,
        (transaction, enrolment) =>
        {
            if (enrolment.State is not (EnrolmentState.Active or EnrolmentState.Suspended))
            {
                return NotPossible(enrolment);
            }

            commands.DropWaiting(transaction, clientId);
            return Saved(transaction, enrolment with { IsSuspended = true });
        },
        cancellationToken);

    public Task<EnrolmentAnswer> ResumeAsync(string clientId, CancellationToken cancellationToken) => ChangeAsync(
        clientId,
        (transaction, enrolment) => enrolment.State is EnrolmentState.Active or EnrolmentState.Suspended
            ? Saved(transaction, enrolment with { IsSuspended = false })
            : NotPossible(enrolment),
        cancellationToken);

    /// <summary>The client leaves, and its key and any open invitation are no longer good. Its ledger is kept.</summary>
    public Task<EnrolmentAnswer> RevokeAsync(string clientId, CancellationToken cancellationToken) => ChangeAsync(
        clientId,
        (transaction, _) =>
        {
            commands.Leave(transaction, clientId);
            EnrolmentStore.Revoke(transaction, clientId);
            return new EnrolmentAnswer(EnrolmentStore.Find(transaction, clientId));
        },
        cancellationToken);

    private Task<EnrolmentAnswer> ChangeAsync(string clientId, Func<Transaction, Enrolment, EnrolmentAnswer> change, CancellationToken cancellationToken) => database.WriteAsync(
        transaction => EnrolmentStore.Find(transaction, clientId) is { } enrolment
            ? change(transaction, enrolment)
            : EnrolmentAnswer.Refused(404, $"Client {clientId} was not invited."),
        cancellationToken);

    private static EnrolmentAnswer NotPossible(Enrolment enrolment) =>
        EnrolmentAnswer.Refused(409, $"Client {enrolment.ClientId} is {enrolment.State.ToString().ToLowerInvariant()}; expected active or suspended.");

    private static EnrolmentAnswer Saved(Transaction transaction, Enrolment enrolment)
    {
        EnrolmentStore.Save(transaction, enrolment);
        return new EnrolmentAnswer(enrolment with { ChangedAt = transaction.Now });
    }
}

/// <summary>What a client sends with its token.</summary>
public record EnrolmentRequest
{
    public required string Token { get; init; }

    /// <summary>DER SubjectPublicKeyInfo of an ECDSA P-256 key, base64.</summary>
    public required string PublicKey { get; init; }

    public required IReadOnlyList<DeclaredData> DataSets { get; init; }

    /// <summary>Over <c>enrol-v1|TOKEN|PUBLICKEY</c>: the sender has the private key.</summary>
    public required string Signature { get; init; }

    internal string Statement => $"enrol-v1|{Token}|{PublicKey}";

    /// <summary>What is wrong with it, a sentence; null when nothing is.</summary>
    internal string? Defect()
    {
        const int MostDataSets = 100;
        return DataSets is not { Count: >= 1 and <= MostDataSets } ? $"dataSets has {DataSets?.Count ?? 0} elements; expected 1 to {MostDataSets}."
            : DataSets.Any(data => data is null) ? "dataSets has an element that is null."
            : DataSets.CountBy(data => data.DataSet).FirstOrDefault(name => name.Value > 1).Key is { } twice ? $"dataSets has {twice} twice; expected each once."
            : ClientKey.NameOf(PublicKey) is null ? "publicKey is no DER SubjectPublicKeyInfo of an ECDSA P-256 key in base64."
            : DataSets.Select(data => data.Defect()).FirstOrDefault(defect => defect is not null);
    }
}
