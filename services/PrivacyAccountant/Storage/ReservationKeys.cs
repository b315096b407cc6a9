using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>Keeps which key a reservation's client signs with.</summary>
public static class ReservationKeys
{
    private const string Insert = """
        insert into reservation_key (run_id, round, client_id, key_sha256) values (@runId, @round, @clientId, @key) on conflict do nothing
        """;

    /// <summary>Notes the keys that a request names; a reservation keeps the first one.</summary>
    public static void Save(Transaction transaction, Guid runId, int round, IEnumerable<ReservationRequest> clients)
    {
        foreach (var client in clients.Where(client => client.KeySha256 is not null))
        {
            transaction.Execute(Insert, new { runId, round, clientId = client.ClientId, key = client.KeySha256 });
        }
    }

    private const string Select = "select key_sha256 from reservation_key where run_id = @RunId and round = @Round and client_id = @ClientId";

    /// <summary>Whether a further output may be charged: its client has said that it made it, or has no key to say it with.</summary>
    /// <returns>What is wrong, a sentence; null when nothing is.</returns>
    public static string? Defect(Transaction transaction, ChargeOutput message)
    {
        if (transaction.Scalar<string?>(Select, message) is not { } key)
        {
            return null;
        }

        return message.Signed is { } signed
            && UpdateStatement.IsAbout(signed.Statement, message.RunId, message.Round, message.ClientId, message.ReservationId, message.UpdateSha256)
            && ClientKey.IsSigned(signed.Statement, signed.PublicKey, signed.Value, key)
                ? null
                : $"ChargeOutput: Signed is not a statement about update {message.UpdateSha256} of {message.ClientId} in round {message.Round}, signed with its key {key}.";
    }
}
