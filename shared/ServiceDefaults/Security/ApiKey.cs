using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>A secret that a caller shows: <c>fle_</c> and 256 random bits in base64url.</summary>
public static class ApiKey
{
    /// <summary>Tells a key from a token, and lets scanners find one that was published by mistake.</summary>
    public const string Prefix = "fle_";

    private const int SecretBytes = 32;

    /// <summary>Makes a new key.</summary>
    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>What a service keeps of it: its SHA-256 as 64 hexadecimal digits.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>Has every request of a client show a key.</summary>
    /// <param name="key">Null or empty for none.</param>
    public static HttpClient Show(HttpClient http, string? key)
    {
        http.DefaultRequestHeaders.Authorization = string.IsNullOrEmpty(key) ? null : new AuthenticationHeaderValue(Access.BearerScheme, key);
        return http;
    }

    /// <summary>Whether a text can be such a hash.</summary>
    public static bool IsHash(string text) => text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit);
}
