using System.Globalization;
using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>A ledger's short name, derived from what it belongs to.</summary>
public static class LedgerId
{
    /// <returns>The first 16 bytes of SHA-256 over the identity's <see cref="CanonicalText"/>, as a version 8 UUID (RFC 9562).</returns>
    public static Guid Of(LedgerIdentity identity)
    {
        var hash = SHA256.HashData(CanonicalText.Of(
            ("owner", identity.Owner),
            ("data_set", identity.DataSet),
            ("partition_rule", identity.PartitionRule),
            ("partition_seed", identity.PartitionSeed.ToString(CultureInfo.InvariantCulture)),
            ("partition_index", identity.PartitionIndex.ToString(CultureInfo.InvariantCulture))));
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
