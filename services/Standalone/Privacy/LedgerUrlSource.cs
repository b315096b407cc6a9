using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Commands;

namespace FlEvents.Standalone.Privacy;

/// <summary>A PrivacyAccountant's HTTP interface. Where the Orchestrator answers at the same address, the receipts that it was given are read too.</summary>
public sealed class LedgerUrlSource : ILedgerSource
{
    private const int LargestPage = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };
    private readonly HttpClient _http;
    private readonly CancellationToken _cancellationToken;
    private readonly LedgerReceipt _head;

    private LedgerUrlSource(Uri url, CancellationToken cancellationToken)
    {
        Place = url.ToString();
        _cancellationToken = cancellationToken;
        _http = ServiceCalls.To(url, Patience);
        try
        {
            _head = Get<LedgerReceipt>("ledger/head") ?? throw new NoLedgerException($"There is no ledger at {url}: it does not know /ledger/head.");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            _http.Dispose();
            throw new NoLedgerException($"There is no ledger at {url}: {e.Message}");
        }
        catch
        {
            _http.Dispose();
            throw;
        }
    }

    public string Place { get; }

    /// <exception cref="NoLedgerException">Nothing answers there, or no PrivacyAccountant.</exception>
    public static LedgerUrlSource Open(Uri url, CancellationToken cancellationToken) => new(url, cancellationToken);

    /// <summary>The head as it was when the source was opened, and what the Orchestrator's newest runs were given.</summary>
    public IReadOnlyList<LedgerReceipt> Receipts()
    {
        var runs = Get<List<RunName>>(string.Create(CultureInfo.InvariantCulture, $"runs?limit={LargestPage}")) ?? [];
        var rounds = runs.SelectMany(run => Get<List<RoundReceipt>>($"runs/{run.RunId}/rounds") ?? []);
        return [_head, .. rounds.Select(round => round.Receipt).OfType<LedgerReceipt>()];
    }

    // The log as of the head that was seen first: what is written meanwhile would never end.
    public IEnumerable<LedgerEntry> Entries()
    {
        var after = 0L;
        while (after < _head.Sequence)
        {
            var limit = Math.Min(LargestPage, _head.Sequence - after);
            var page = Get<List<LedgerEntry>>(string.Create(CultureInfo.InvariantCulture, $"ledger/entries?after={after}&limit={limit}")) ?? [];
            if (page.Count == 0)
            {
                yield break;
            }

            foreach (var entry in page)
            {
                yield return entry;
            }

            after += page.Count;
        }
    }

    public IReadOnlyList<(Guid LedgerId, LedgerIdentity Identity)> LedgersOf(string clientId) =>
        [.. (Get<ClientLedgersView>($"ledger/clients/{Uri.EscapeDataString(clientId)}")?.Ledgers ?? []).Select(ledger => (ledger.LedgerId, ledger.Ledger))];

    public IReadOnlyList<AccountTotals> Totals() => [];

    public void Dispose() => _http.Dispose();

    /// <returns>Null when the address is not known there.</returns>
    private T? Get<T>(string path)
        where T : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        using var response = _http.Send(request, _cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        using var body = response.Content.ReadAsStream(_cancellationToken);
        return JsonSerializer.Deserialize<T>(body, Json);
    }

    private sealed record RunName
    {
        public required Guid RunId { get; init; }
    }

    private sealed record RoundReceipt
    {
        public required LedgerReceipt? Receipt { get; init; }
    }
}
