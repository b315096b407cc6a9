using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>The API keys that a service knows, read from its options once.</summary>
internal sealed class ApiKeyRing(IOptions<SecurityOptions> options)
{
    private readonly (byte[] Sha256, string Holder, string[] Scopes)[] _keys =
    [
        .. options.Value.ApiKeys.Select(key => (Convert.FromHexString(key.Value.Sha256), key.Key, SecurityOptions.Split(key.Value.Scopes))),
    ];

    /// <summary>Who holds a key; null for one that is not known.</summary>
    /// <remarks>All of them are compared, each in constant time.</remarks>
    public ClaimsPrincipal? HolderOf(string key)
    {
        var sha256 = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        var found = -1;
        for (var i = 0; i < _keys.Length; i++)
        {
            found = CryptographicOperations.FixedTimeEquals(_keys[i].Sha256, sha256) ? i : found;
        }

        return found < 0 ? null : Access.Caller(_keys[found].Holder, _keys[found].Scopes);
    }
}
