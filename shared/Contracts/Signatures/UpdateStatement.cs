using System.Buffers.Binary;
using System.Globalization;

namespace FlEvents.Contracts;

/// <summary>
/// What a client signs of its update. Whoever checks it makes it from its own books; the update's hash and length, the count, the nonce and the time are the
/// client's.
/// </summary>
public readonly record struct UpdateStatement
{
    private const int Fields = 14;

    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int Attempt { get; init; }
    public required string BaseModelSha256 { get; init; }
    public required BlobRef Update { get; init; }
    public required int? ExampleCount { get; init; }

    /// <summary>What the client clipped and noised, by the server's plan; null in a run where it does neither.</summary>
    public required TaskPrivacy? Privacy { get; init; }

    public required string Nonce { get; init; }
    public required long IssuedAt { get; init; }

    /// <summary><c>v1|runId|round|clientId|reservationId|attempt|baseModelSha256|updateSha256|updateLength|numExamples|clipNorm|noiseMultiplier|nonce|issuedAt</c>.</summary>
    public string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"v1|{RunId:D}|{Round}|{ClientId}|{ReservationId:D}|{Attempt}|{BaseModelSha256}|{Update.Sha256}|{Update.SizeBytes}|{ExampleCount}|{Bits(ClipNorm)}|{Bits(NoiseMultiplier)}|{Nonce}|{IssuedAt}");

    private double? ClipNorm => Privacy?.DpSgd is { } steps ? steps.ClipNorm : Privacy?.ClipNorm;

    private double? NoiseMultiplier => Privacy?.DpSgd is { } steps ? steps.NoiseMultiplier : Privacy?.NoiseMultiplier;

    /// <summary>Whether a statement is about this update of this task, whatever else it says.</summary>
    public static bool IsAbout(string text, Guid runId, int round, string clientId, Guid reservationId, string updateSha256) =>
        text.Split('|') is { Length: Fields } fields
        && fields[0] == "v1" && fields[1] == $"{runId:D}" && fields[2] == round.ToString(CultureInfo.InvariantCulture)
        && fields[3] == clientId && fields[4] == $"{reservationId:D}" && fields[7] == updateSha256;

    // Languages print the same double differently; its bits are the same everywhere.
    private static string Bits(double? value)
    {
        if (value is not { } number)
        {
            return "";
        }

        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
        return Convert.ToHexStringLower(bytes);
    }
}
