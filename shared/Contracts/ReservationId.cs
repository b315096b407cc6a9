using System.Security.Cryptography;
using System.Text;

namespace FlEvents.Contracts;

/// <summary>Ids that every service derives instead of sending: reservations, and the business keys of rounds.</summary>
public static class ReservationId
{
    /// <summary>The reservation of one client in one round; <paramref name="attempt"/> 1 is the cohort's, a further one a charged retry.</summary>
    /// <returns>The first 16 bytes of SHA-256 over <c>reservation|run|round|client|attempt</c>, as a version 8 UUID (RFC 9562).</returns>
    public static Guid Of(Guid runId, int round, string clientId, int attempt) => Derive($"reservation|{runId:D}|{round}|{clientId}|{attempt}");

    /// <summary>The id of a run's round.</summary>
    public static Guid OfRound(Guid runId, int round) => Derive($"round|{runId:D}|{round}");

    private static Guid Derive(string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
