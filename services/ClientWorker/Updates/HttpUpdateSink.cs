using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Updates;

/// <summary>
/// The Aggregator's <c>PUT /updates/{reservationId}</c>. <c>HEAD</c> tells how much it holds in header <c>Received-Bytes</c> (404: nothing yet);
/// the rest goes in pieces with <c>Content-Range</c>, so that a broken connection costs one piece. What it holds in full it names in header
/// <c>Received-Sha256</c>, because another worker's update of the same task has the same length.
/// </summary>
/// <param name="http">Its base address is the Aggregator's.</param>
/// <param name="pieceBytes">Largest body of one request, in bytes.</param>
public sealed class HttpUpdateSink(HttpClient http, int pieceBytes = HttpUpdateSink.DefaultPieceBytes) : IUpdateSink
{
    /// <summary>Header with the token that a task came with: it opens the upload of that task alone.</summary>
    public const string LeaseToken = "Lease-Token";

    public const string ReceivedBytes = "Received-Bytes";
    public const string ReceivedSha256 = "Received-Sha256";

    /// <summary>Header that says which update follows. Its bytes go only when the store asks for them: where another worker's counts they never leave.</summary>
    public const string UpdateSha256 = "Update-Sha256";

    /// <summary>Header with the client's word for the update: <see cref="Contracts.UpdateSignature"/> as JSON in base64.</summary>
    public const string UpdateSignature = "Update-Signature";

    // At 100 s a request this asks for 84 kB/s; a slower line still gets on, because the store keeps what arrived of a piece.
    private const int DefaultPieceBytes = 8 << 20;
    private const int BrokenKept = 1000;

    // Uploads that were begun and not finished.
    private readonly ConcurrentDictionary<Guid, bool> _broken = new();

    public async Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
        await ReceivedAsync(reservationId, leaseToken, update, cancellationToken) == update.SizeBytes;

    public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, Contracts.UpdateSignature? signature, CancellationToken cancellationToken)
    {
        // One that fits a piece is sent at once: to ask what has arrived of it would take as long as to send it. But not again, where the line may be so slow
        // that a whole piece never gets through.
        var received = bytes.Length <= pieceBytes && !_broken.ContainsKey(reservationId) ? 0 : await ReceivedAsync(reservationId, leaseToken, update, cancellationToken);
        Remember(reservationId);
        while (received < bytes.Length)
        {
            var piece = bytes.Slice((int)received, Math.Min(pieceBytes, bytes.Length - (int)received));
            var now = await PutAsync(reservationId, leaseToken, update, received, piece, signature, cancellationToken);
            if (now <= received)
            {
                throw new HttpRequestException($"The update store holds {now} bytes of {reservationId} after it took {received + piece.Length}.");
            }

            received = now;
        }

        _broken.TryRemove(reservationId, out _);
    }

    private void Remember(Guid reservationId)
    {
        if (_broken.Count >= BrokenKept)
        {
            // Whoever is forgotten sends a piece once more.
            _broken.Clear();
        }

        _broken[reservationId] = true;
    }

    /// <returns>Bytes the store holds, from the start of the update.</returns>
    private async Task<long> ReceivedAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Head, reservationId, leaseToken);
        using var response = await http.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return 0;
        }

        await ThrowUnlessGoodAsync(response, reservationId, cancellationToken);
        if (response.Headers.TryGetValues(ReceivedSha256, out var hashes) && hashes.First() is var sha256 && sha256 != update.Sha256)
        {
            throw new UploadRefusedException($"The update store holds update {sha256} for reservation {reservationId}; this one is {update.Sha256}.");
        }

        var received = ReadReceived(response, reservationId);
        return received <= update.SizeBytes
            ? received
            : throw new UploadRefusedException($"The update store holds {received} bytes for reservation {reservationId}; this update has {update.SizeBytes}.");
    }

    private async Task<long> PutAsync(
        Guid reservationId, string leaseToken, BlobRef update, long from, ReadOnlyMemory<byte> piece, Contracts.UpdateSignature? signature, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Put, reservationId, leaseToken);
        request.Headers.ExpectContinue = true;
        request.Headers.Add(UpdateSha256, update.Sha256);
        if (signature is not null)
        {
            request.Headers.Add(UpdateSignature, Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(signature, JsonSerializerOptions.Web)));
        }

        request.Content = new ReadOnlyMemoryContent(piece);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, from + piece.Length - 1, update.SizeBytes);
        using var response = await http.SendAsync(request, cancellationToken);
        await ThrowUnlessGoodAsync(response, reservationId, cancellationToken);
        return response.StatusCode == HttpStatusCode.Created ? update.SizeBytes : ReadReceived(response, reservationId);
    }

    private static HttpRequestMessage Request(HttpMethod method, Guid reservationId, string leaseToken)
    {
        var request = new HttpRequestMessage(method, new Uri($"updates/{reservationId:D}", UriKind.Relative));
        request.Headers.Add(LeaseToken, leaseToken);
        return request;
    }

    private static async Task ThrowUnlessGoodAsync(HttpResponseMessage response, Guid reservationId, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var reason = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "the lease token is not good any more, or the update is not signed by its client's key",
            HttpStatusCode.Conflict => "another update is there or announced",
            HttpStatusCode.RequestEntityTooLarge => "the update is larger than the round's model allows",
            HttpStatusCode.BadRequest => "the request is malformed",
            _ => null,
        };
        var answer = await response.Content.ReadAsStringAsync(cancellationToken);
        throw reason is null
            // 404 too: the round's book may not be open yet.
            ? new HttpRequestException(
                $"The update store answered {(int)response.StatusCode} for reservation {reservationId}. {answer}".TrimEnd(), null, response.StatusCode)
            : new UploadRefusedException($"The update store refused reservation {reservationId} with {(int)response.StatusCode}: {reason}. {answer}".TrimEnd());
    }

    private static long ReadReceived(HttpResponseMessage response, Guid reservationId) =>
        response.Headers.TryGetValues(ReceivedBytes, out var values)
        && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var received)
            ? received
            : throw new HttpRequestException($"The update store's answer for reservation {reservationId} has no header {ReceivedBytes} with a number.");
}
