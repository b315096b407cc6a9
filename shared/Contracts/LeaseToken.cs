using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FlEvents.Contracts;

/// <summary>
/// The secret that opens the upload of one issue of a task: the number, a dot, and random digits. The number lets the Aggregator tell a token that it
/// will know once the book's next page is there from one that is no longer good.
/// </summary>
public static class LeaseToken
{
    /// <param name="leaseNumber">From 1.</param>
    /// <param name="secret">128 random bits, 32 hexadecimal digits.</param>
    public static string Of(int leaseNumber, string secret) => string.Create(CultureInfo.InvariantCulture, $"{leaseNumber}.{secret}");

    /// <summary>What a refusal shows in place of the token, which stays secret: SHA-256 of <c>refused|</c> and the token, 64 lower-case hexadecimal digits.</summary>
    public static string RefusalOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"refused|{token}")));

    /// <summary>The number of the issue that a token says it is of; 0 where it says none.</summary>
    public static int NumberOf(string token) =>
        token.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && int.TryParse(token.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
