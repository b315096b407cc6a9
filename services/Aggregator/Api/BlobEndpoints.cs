using System.Globalization;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Storage;
using FlEvents.ServiceDefaults.Blobs;
using Microsoft.AspNetCore.Http.Features;

namespace FlEvents.Aggregator.Api;

/// <summary>The model store, which participants read, and the update store, which a client can only write to.</summary>
public static class BlobEndpoints
{
    private const string ReceivedBytes = "Received-Bytes";

    public static void MapBlobs(this IEndpointRouteBuilder app)
    {
        app.MapGet("/models/{sha256}", ReadModel).WithTags("Models").WithSummary("A global model as safetensors.");
        app.MapMethods("/updates/{reservationId:guid}", ["HEAD"], Progress).WithTags("Updates").WithSummary("Bytes of an update received so far.");
        app.MapPut("/updates/{reservationId:guid}", ReceiveAsync).WithTags("Updates").WithSummary("Sends an update, or the rest of one.");
    }

    private static IResult ReadModel(string sha256, BlobStores blobs)
    {
        if (!BlobFolder.IsName(sha256) || !blobs.Models.Contains(sha256))
        {
            return Results.Problem($"There is no model {sha256}.", statusCode: StatusCodes.Status404NotFound);
        }

        return Results.Stream(blobs.Models.OpenRead(sha256), "application/octet-stream", enableRangeProcessing: true);
    }

    private static IResult Progress(Guid reservationId, HttpContext http, UpdateReception reception, AggregatorOptions options)
    {
        if (Authorize(reservationId, http, reception) is { } refusal)
        {
            return refusal;
        }

        var received = reception.Received(reservationId) is [var upload, ..] ? upload.Size : new FileInfo(PartialPath(options, reservationId)) is { Exists: true } file ? file.Length : 0;
        if (received == 0)
        {
            return Results.NotFound();
        }

        http.Response.Headers[ReceivedBytes] = received.ToString(CultureInfo.InvariantCulture);
        return Results.Ok();
    }

    private static async Task<IResult> ReceiveAsync(
        Guid reservationId, HttpContext http, UpdateReception reception, AggregatorOptions options, AggregatorMetrics metrics, CancellationToken cancellationToken)
    {
        if (Authorize(reservationId, http, reception) is { } refusal)
        {
            return refusal;
        }

        if (ContentRange.Read(http.Request) is not { } range)
        {
            return Problem(StatusCodes.Status400BadRequest, "Expected Content-Range: bytes FIRST-LAST/TOTAL, or Content-Length.");
        }

        if (range.Total > options.LargestBlobBytes)
        {
            return Problem(StatusCodes.Status413PayloadTooLarge, $"The update has {range.Total} bytes; at most {options.LargestBlobBytes} are taken.");
        }

        http.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = range.Length;
        var path = PartialPath(options, reservationId);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            long received;
            await using (var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
            {
                if (range.First > file.Length)
                {
                    http.Response.Headers[ReceivedBytes] = file.Length.ToString(CultureInfo.InvariantCulture);
                    return Problem(StatusCodes.Status416RangeNotSatisfiable, $"{file.Length} bytes were received; the rest starts there, not at {range.First}.");
                }

                file.SetLength(range.First);
                file.Position = range.First;
                await http.Request.Body.CopyToAsync(file, cancellationToken);
                received = file.Length;
                metrics.Received(received - range.First);
            }

            if (received < range.Total)
            {
                http.Response.Headers[ReceivedBytes] = received.ToString(CultureInfo.InvariantCulture);
                return Results.Accepted();
            }

            return await reception.StoreAsync(reservationId, path, cancellationToken)
                ? Results.Created()
                : Problem(StatusCodes.Status409Conflict, "Another update was received for this task; the first one counts.");
        }
        catch (IOException e) when (e is not BadHttpRequestException && e.HResult == SharingViolation)
        {
            return Problem(StatusCodes.Status423Locked, "The same update is being received on another connection.");
        }
    }

    // What FileStream reports when another stream holds the file with FileShare.None: EWOULDBLOCK on Linux.
    private const int SharingViolation = 11;

    private static string PartialPath(AggregatorOptions options, Guid reservationId) => Path.Combine(options.DataFolder, "updates", "partial", reservationId.ToString("N"));

    private static IResult? Authorize(Guid reservationId, HttpContext http, UpdateReception reception)
    {
        const string Scheme = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return Problem(StatusCodes.Status401Unauthorized, "Expected Authorization: Bearer LEASE_TOKEN.");
        }

        switch (reception.IsAuthorized(reservationId, header[Scheme.Length..]))
        {
            case null:
                // The round's book may be on its way here still.
                http.Response.Headers.RetryAfter = "1";
                return Problem(StatusCodes.Status503ServiceUnavailable, $"No open round knows task {reservationId} yet.");
            case false:
                return Problem(StatusCodes.Status403Forbidden, $"The lease token does not open the upload of task {reservationId}.");
            default:
                return null;
        }
    }

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);
}
