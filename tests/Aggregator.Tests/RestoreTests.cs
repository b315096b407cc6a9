using System.Net;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Testing;

namespace FlEvents.Aggregator.Tests;

/// <summary>The Aggregator when its own state was put back, and what it tells a ledger that was.</summary>
public sealed class RestoreTests : IDisposable
{
    private static readonly RunSpec Central = Messages.Spec with
    {
        Selection = new SelectionSpec { Count = 2 },
        Privacy = new PrivacySpec { Mode = PrivacyMode.Central, Central = new CentralPrivacySpec { ClipNorm = 1, NoiseMultiplier = 1 } },
    };

    private static readonly RunSpec Local = Messages.Spec with
    {
        Privacy = new PrivacySpec { Mode = PrivacyMode.Local, Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 1 } },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _older = new();

    public void Dispose()
    {
        _folder.Dispose();
        _older.Dispose();
    }

    // The whole volume as it was before: no mark tells it, every update is there, and every message comes again.
    [Fact]
    public async Task S17_an_aggregator_put_back_to_before_its_model_was_made_never_shows_another_model_of_that_round()
    {
        await using (var host = await AggregatorHost.StartAsync(_folder.Path))
        {
            await host.CreateAsync(Central);
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await SubmitAsync(host, "anna", "ben");
        }

        Copy(_folder.Path, _older.Path);
        Book first;
        CommitBudget asked;
        await using (var host = await AggregatorHost.StartAsync(_folder.Path))
        {
            await host.DeliverAsync(Messages.Aggregate());
            asked = await host.NextAsync<CommitBudget>();
            await host.DeliverAsync(Messages.Committed());
            first = host.Book()!;
            Assert.Equal((BookState.Released, HttpStatusCode.OK), (first.State, await StatusAsync(host, first.Result!.Sha256)));
        }

        Directory.Delete(_folder.Path, recursive: true);
        Copy(_older.Path, _folder.Path);
        await using var restored = await AggregatorHost.StartAsync(_folder.Path);
        await restored.DeliverAsync(Messages.Aggregate());
        var second = await restored.NextAsync<CommitBudget>();
        Assert.NotEqual(asked.ModelSha256, second.ModelSha256);

        // The ledger holds the round's one name, and says it.
        await restored.DeliverAsync(Messages.Committed(model: first.Result));

        Assert.Equal("COMMITTED_BEFORE", (await restored.NextAsync<RoundAbandoned>()).ReasonCode);
        Assert.Equal((BookState.Abandoned, HttpStatusCode.NotFound), (restored.Book()!.State, await StatusAsync(restored, second.ModelSha256!)));
        await Vanishing.OfAsync(Path.Combine(_folder.Path, "unreleased", second.ModelSha256!));
        Assert.DoesNotContain(nameof(RoundAggregated), restored.Outbox());
    }

    [Fact]
    public async Task A_restored_aggregator_closes_every_book_that_was_not_final_and_makes_no_model_of_it()
    {
        await using (var host = await AggregatorHost.StartAsync(_folder.Path))
        {
            await host.CreateAsync(Central);
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await SubmitAsync(host, "anna", "ben");
            await BackUpAsync(host);
        }

        await using var restored = await AggregatorHost.StartAsync(_folder.Path);
        Assert.Equal(BookState.Abandoned, restored.Book()!.State);
        Assert.Contains(nameof(ServiceRestored), restored.Outbox());
        await restored.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await restored.DeliverAsync(Messages.Aggregate());

        Assert.Equal((BookState.Abandoned, null), (restored.Book()!.State, restored.Book()!.Result));
        Assert.DoesNotContain(nameof(CommitBudget), restored.Outbox());
    }

    [Fact]
    public async Task A_book_whose_model_waited_for_the_ledger_is_closed_too_and_the_answer_lets_nothing_out()
    {
        Book named;
        await using (var host = await AggregatorHost.StartAsync(_folder.Path))
        {
            await host.CreateAsync(Central);
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await SubmitAsync(host, "anna", "ben");
            await host.DeliverAsync(Messages.Aggregate());
            await host.NextAsync<CommitBudget>();
            named = host.Book()!;
            await BackUpAsync(host);
        }

        await using var restored = await AggregatorHost.StartAsync(_folder.Path);
        await restored.DeliverAsync(Messages.Committed(model: named.Result));

        Assert.Equal((BookState.Abandoned, HttpStatusCode.NotFound), (restored.Book()!.State, await StatusAsync(restored, named.Result!.Sha256)));
    }

    // The first may have come since the copy was taken. Nobody knows, so it counts.
    [Fact]
    public async Task What_comes_to_a_restored_aggregator_for_a_task_of_a_book_that_was_open_is_charged_as_a_further_output()
    {
        await using (var host = await AggregatorHost.StartAsync(_folder.Path))
        {
            await host.CreateAsync(Local);
            await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
            await BackUpAsync(host);
        }

        await using var restored = await AggregatorHost.StartAsync(_folder.Path);
        var update = await restored.UploadAsync("anna");
        await restored.UploadAsync("anna");

        var charge = Assert.Single(Sent<ChargeOutput>(restored));
        Assert.Equal((Messages.Reservation("anna"), update.Sha256), (charge.ReservationId, charge.UpdateSha256));
    }

    [Fact]
    public async Task A_restored_ledger_is_told_of_receipts_of_further_outputs_and_of_models_that_wait()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.CreateAsync(Local);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await SubmitAsync(host, "anna", "ben");
        await host.UploadAsync("anna", Messages.Bytes(Messages.Delta("cem")));
        await host.DeliverAsync(Messages.Aggregate());
        var asked = await host.NextAsync<CommitBudget>();

        await AskAsync(host, after: 0);
        Assert.Equal(asked, await host.NextAsync<CommitBudget>());
        Assert.Equal([Messages.RefOf(Messages.Bytes(Messages.Delta("cem"))).Sha256], Sent<ChargeOutput>(host).Select(charge => charge.UpdateSha256).Distinct());
        Assert.Equal(2, Sent<ChargeOutput>(host).Count);

        await host.DeliverAsync(Messages.Committed());
        await AskAsync(host, after: Messages.Receipt.Sequence - 1);
        await AskAsync(host, after: Messages.Receipt.Sequence);
        var reports = Sent<LedgerReport>(host);
        Assert.Equal([[], [Messages.Receipt], []], reports.Select(report => report.Receipts));
        Assert.All(reports, report => Assert.Equal(("aggregator", null, null, 0), (report.Service, report.NextCursor, report.KnownSince, report.Clients.Count)));
    }

    [Fact]
    public async Task A_run_that_is_over_has_no_open_book_and_its_charges_are_committed()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path);
        await host.CreateAsync(Central);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await SubmitAsync(host, "anna");

        await host.DeliverAsync(new RunCompleted { RunId = Messages.RunId, Outcome = RunOutcome.Abandoned, Reason = "restored", Model = null });

        Assert.Equal(BookState.Abandoned, host.Book()!.State);
        var commit = await host.NextAsync<CommitBudget>();
        Assert.Equal((Messages.RoundId(), 1, null), (commit.RoundId, commit.Round, commit.ModelSha256));
        await Vanishing.OfAsync(Path.Combine(_folder.Path, "updates", Messages.RefOf(Messages.Bytes(Messages.Delta("anna"))).Sha256));
    }

    private static async Task SubmitAsync(AggregatorHost host, params string[] clients)
    {
        foreach (var client in clients)
        {
            await host.DeliverAsync(Messages.Submit(client, await host.UploadAsync(client)) with { ExampleCount = null });
        }
    }

    private static Task AskAsync(AggregatorHost host, long after) => host.DeliverAsync(new ReconcileLedger
    {
        Quarantine = new LedgerReceipt { Sequence = 90, Hash = new string('9', 64) },
        AfterSequence = after,
        Since = DateTimeOffset.MinValue,
        Cursor = 0,
    });

    private async Task BackUpAsync(AggregatorHost host)
    {
        var backup = await host.Http.GetByteArrayAsync("backup/aggregator");
        await host.DisposeAsync();
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, "aggregator.db"), backup);
    }

    private static List<T> Sent<T>(AggregatorHost host) => [.. host.Database.Read(transaction => transaction
        .Query<OutboxRow>("select message_id, type, body from outbox where type = @type order by seq", new { type = typeof(T).Name }))
        .Select(row => (T)row.Decode().Message)];

    private static async Task<HttpStatusCode> StatusAsync(AggregatorHost host, string model)
    {
        using var response = await host.Http.GetAsync($"models/{model}");
        return response.StatusCode;
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
