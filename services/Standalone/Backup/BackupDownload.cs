using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using FlEvents.ServiceDefaults.Backup;

namespace FlEvents.Standalone.Backup;

/// <summary>A copy of a service's database, fetched from the service.</summary>
public static class BackupDownload
{
    /// <summary>Fetches a copy, checks that every byte came, and that the database in it is whole.</summary>
    /// <param name="http">Its base address is the service's.</param>
    /// <param name="service">Name of the service; null where its process has one only.</param>
    /// <exception cref="BackupException">There is none, or it is not whole. The message says why.</exception>
    public static async Task<Snapshot> FetchAsync(HttpClient http, string? service, string path, CancellationToken cancellationToken)
    {
        var name = await NameAsync(http, service, cancellationToken);
        Snapshot? taken = null;
        await NewFile.WriteAsync(path, async part =>
        {
            using var response = await http.GetAsync(new Uri($"backup/{Uri.EscapeDataString(name)}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await ThrowUnlessGoodAsync(response, cancellationToken);
            taken = await ReceiveAsync(response, part, cancellationToken);
            Check(part, path);
        });
        return taken!;
    }

    /// <summary>Checks that a copy is one, and whole.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="shown">Where it is going to be, for the message.</param>
    /// <exception cref="BackupException">It is not.</exception>
    internal static void Check(string path, string shown)
    {
        try
        {
            Snapshot.Check(path);
        }
        catch (InvalidDataException e)
        {
            throw new BackupException(e.Message.Replace(path, shown, StringComparison.Ordinal));
        }
    }

    private static async Task<string> NameAsync(HttpClient http, string? service, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri("backup", UriKind.Relative), cancellationToken);
        await ThrowUnlessGoodAsync(response, cancellationToken);
        var names = (await response.Content.ReadFromJsonAsync<List<string>>(cancellationToken))!;
        return service switch
        {
            null when names.Count == 1 => names[0],
            null => throw new BackupException($"The process at {http.BaseAddress} has several services: expected --service with one of {string.Join(", ", names)}."),
            _ when names.Contains(service) => service,
            _ => throw new BackupException($"The process at {http.BaseAddress} has no service \"{service}\": expected one of {string.Join(", ", names)}."),
        };
    }

    private static async Task<Snapshot> ReceiveAsync(HttpResponseMessage response, string part, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        var size = 0L;
        await using (var body = await response.Content.ReadAsStreamAsync(cancellationToken))
        await using (var file = new FileStream(part, FileMode.CreateNew, FileAccess.Write))
        {
            for (int read; (read = await body.ReadAsync(buffer, cancellationToken)) > 0; size += read)
            {
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
        }

        var (sha256, announced) = (Convert.ToHexStringLower(hash.GetHashAndReset()), Header(response, BackupEndpoints.Sha256Header));
        return sha256 == announced
            ? new Snapshot { SnapshotId = Guid.Parse(Header(response, BackupEndpoints.IdHeader)), TakenAt = DateTimeOffset.Parse(Header(response, BackupEndpoints.TakenHeader), CultureInfo.InvariantCulture), SizeBytes = size, Sha256 = sha256 }
            : throw new BackupException($"The copy came with {size} bytes and the hash {sha256}; announced was {announced}. Try again.");
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values)
        ? values.First()
        : throw new BackupException($"The answer has no header {name}: it is not from a service that makes backups.");

    private static async Task ThrowUnlessGoodAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        throw new BackupException(response.StatusCode == HttpStatusCode.NotFound || Detail(body) is not { } detail ? $"The service answered {(int)response.StatusCode} {response.ReasonPhrase}." : detail);
    }

    private static string? Detail(string body)
    {
        try
        {
            return JsonDocument.Parse(body).RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A backup can't be made or put back. The message says why, and what was expected.</summary>
public sealed class BackupException(string message) : Exception(message);
