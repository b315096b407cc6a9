using System.Buffers;
using System.Globalization;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Features;

namespace FlEvents.Aggregator.Api;

/// <summary>The model store, which participants read, and the update store, which a client can only write to.</summary>
public static class BlobEndpoints
{
    private const string ReceivedBytes = "Received-Bytes";
    private const string ReceivedSha256 = "Received-Sha256";
    private const string UpdateSha256 = "Update-Sha256";
    private const string UpdateSignature = "Update-Signature";
    private const string Reservation = "Reservation-Id";

    /// <summary>Header that opens the upload of one task, beside what says who calls.</summary>
    private const string TaskToken = "Lease-Token";

    /// <summary>Bytes taken in of an upload that was turned away: a piece as workers send them, with room.</summary>
    private const long LargestUnwanted = 16 << 20;

    public static void MapBlobs(this IEndpointRouteBuilder app)
    {
        // A task opens what belongs to it, by its lease token: a client beyond the HTTPS edge has no other way in.
        app.MapGet("/models/{sha256}", ReadModelAsync).WithTags("Models").WithSummary("A global model as safetensors.").OpenToLeases();
        app.MapMethods("/updates/{reservationId:guid}", ["HEAD"], Progress).WithTags("Updates").WithSummary("Bytes of an update received so far.").OpenToLeases();
        app.MapPut("/updates/{reservationId:guid}", ReceiveAsync).WithTags("Updates").WithSummary("Sends an update, or the rest of one.").OpenToLeases();
    }

    private static async Task<IResult> ReadModelAsync(string sha256, HttpContext http, BlobStores blobs, UpdateReception reception, IAuthorizationService access)
    {
        if (http.Request.Headers[Reservation] is [{ } reservation])
        {
            if (!Guid.TryParseExact(reservation, "D", out var reservationId))
            {
                return Problem(StatusCodes.Status400BadRequest, $"Expected {Reservation} with an id, got \"{reservation}\".");
            }

            if (Authorize(reservationId, http, reception) is { } refusal)
            {
                return refusal;
            }

            if (reception.BaseModelOf(reservationId) != sha256)
            {
                return Problem(StatusCodes.Status403Forbidden, $"Task {reservationId} does not begin from model {sha256}.");
            }
        }
        else if (!(await access.AuthorizeAsync(http.User, Scopes.BlobsClient)).Succeeded)
        {
            return http.User.Identity is { IsAuthenticated: true } ? Results.Forbid() : Results.Challenge();
        }

        if (!BlobFolder.IsName(sha256) || !blobs.Models.Contains(sha256))
        {
            return Results.Problem($"There is no model {sha256}.", statusCode: StatusCodes.Status404NotFound);
        }

        return Results.Stream(blobs.Models.OpenRead(sha256), "application/octet-stream", enableRangeProcessing: true);
    }

    private static IResult Progress(Guid reservationId, HttpContext http, UpdateReception reception, PartialUploads partials)
    {
        if (Authorize(reservationId, http, reception) is { } refusal)
        {
            return refusal;
        }

        // Of an unfinished upload one byte less than is here: after a crash between its last byte and its storing there is still one to send.
        var upload = reception.Received(reservationId) is [var first, ..] ? first : null;
        var received = upload?.Size ?? partials.Length(reservationId) - 1;
        if (received <= 0)
        {
            return Results.NotFound();
        }

        if (upload is not null)
        {
            http.Response.Headers[ReceivedSha256] = upload.Sha256;
        }

        http.Response.Headers[ReceivedBytes] = received.ToString(CultureInfo.InvariantCulture);
        return Results.Ok();
    }

    private static async Task<IResult> ReceiveAsync(
        Guid reservationId, HttpContext http, UpdateReception reception, PartialUploads partials, AggregatorMetrics metrics, CancellationToken cancellationToken)
    {
        // Until it is known what may come: who sends more than the server takes in after its answer never reads it, because the connection is reset.
        var limit = http.Features.Get<IHttpMaxRequestBodySizeFeature>()!;
        limit.MaxRequestBodySize = LargestUnwanted;
        if (Authorize(reservationId, http, reception) is { } refusal)
        {
            return refusal;
        }

        if (ContentRange.Read(http.Request) is not { } range)
        {
            return Problem(StatusCodes.Status400BadRequest, "Expected Content-Range: bytes FIRST-LAST/TOTAL, or Content-Length.");
        }

        if (reception.LargestBytes(reservationId) is var largest && range.Total > largest)
        {
            return Problem(StatusCodes.Status413PayloadTooLarge, $"The update has {range.Total} bytes; at most {largest} are taken.");
        }

        // Before a byte is read: a sender that expects the word to continue has sent none.
        var announced = http.Request.Headers[UpdateSha256] is [{ } given] ? given : null;
        if (announced is not null && !BlobFolder.IsName(announced))
        {
            return Problem(StatusCodes.Status400BadRequest, $"Expected {UpdateSha256} with 64 lower-case hexadecimal digits, got \"{announced}\".");
        }

        var (signed, defect) = reception.Check(reservationId, announced, range.Total, SignatureHeader.Read(http.Request.Headers[UpdateSignature]));
        if (defect is not null)
        {
            return Problem(StatusCodes.Status403Forbidden, $"{RejectionCode.BadSignature}: {defect}");
        }

        if (announced is not null && !await reception.OfferAsync(reservationId, announced, cancellationToken))
        {
            return Another();
        }

        // The server counts what chunks are wrapped in too: as much as chunks of one byte have, and the last one, which has none.
        limit.MaxRequestBodySize = http.Request.ContentLength is null ? (range.Length * "1\r\nx\r\n".Length) + "0\r\n\r\n".Length : range.Length;
        try
        {
            var (received, complete) = await AppendAsync(reservationId, range, http.Request.Body, partials, metrics, cancellationToken);
            if (complete is null)
            {
                http.Response.Headers[ReceivedBytes] = received.ToString(CultureInfo.InvariantCulture);
                return received < range.First
                    ? Problem(StatusCodes.Status416RangeNotSatisfiable, $"{received} bytes were received; the rest starts there, not at {range.First}.")
                    : Results.Accepted();
            }

            // Every byte is here: the sender gains nothing from a connection that ends now.
            return await reception.StoreAsync(reservationId, complete, signed, announced, CancellationToken.None)
                ? Results.Created()
                : Another();
        }
        catch (BlobException e)
        {
            return Problem(StatusCodes.Status422UnprocessableEntity, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            return Problem(e.StatusCode, e.Message);
        }
        catch (IOException e) when (e.HResult == SharingViolation)
        {
            return Problem(StatusCodes.Status423Locked, "The same update is being received on another connection.");
        }
    }

    /// <summary>Adds a piece to a task's file; what comes of a broken request stays.</summary>
    /// <returns>Bytes that are here now, fewer than the piece's offset when it was not taken; and the path of the file once it is complete.</returns>
    private static async Task<(long Received, string? Complete)> AppendAsync(
        Guid reservationId, ContentRange range, Stream body, PartialUploads partials, AggregatorMetrics metrics, CancellationToken cancellationToken)
    {
        if (partials.Length(reservationId) is var here && range.First > here)
        {
            return (here, null);
        }

        await using var file = partials.Open(reservationId);
        if (range.First > file.Length)
        {
            return (file.Length, null);
        }

        file.SetLength(range.First);
        file.Position = range.First;
        try
        {
            await CopyAsync(body, file, range.Length, cancellationToken);
        }
        finally
        {
            metrics.Received(file.Position - range.First);
        }

        return (file.Length, file.Length < range.Total ? null : partials.Detach(reservationId));
    }

    /// <exception cref="BadHttpRequestException">The body is longer than its range.</exception>
    private static async Task CopyAsync(Stream body, FileStream file, long length, CancellationToken cancellationToken)
    {
        const int Piece = 81920;
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                if (read > length)
                {
                    throw new BadHttpRequestException("The body is longer than its range.", StatusCodes.Status413PayloadTooLarge);
                }

                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                length -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // What FileStream reports when another stream holds the file with FileShare.None: EWOULDBLOCK on Linux.
    private const int SharingViolation = 11;

    private static IResult? Authorize(Guid reservationId, HttpContext http, UpdateReception reception)
    {
        if (http.Request.Headers[TaskToken] is not [{ Length: > 0 } token])
        {
            return Problem(StatusCodes.Status401Unauthorized, $"Expected header {TaskToken} with the token that the task came with.");
        }

        switch (reception.IsAuthorized(reservationId, token))
        {
            case null:
                // The round's book, or the page that renews its lease, may be on its way here still.
                http.Response.Headers.RetryAfter = "1";
                return Problem(StatusCodes.Status503ServiceUnavailable, $"No open round knows task {reservationId}, or this issue of it, yet.");
            case false:
                return Problem(StatusCodes.Status403Forbidden, $"The lease token does not open the upload of task {reservationId}.");
            default:
                return null;
        }
    }

    private static IResult Another() => Problem(StatusCodes.Status409Conflict, "Another update was received or announced for this task; the first one counts.");

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}
