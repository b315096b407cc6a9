using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.ClientWorker;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Federations whose server asks for what an owner of data does not allow.</summary>
public sealed class OwnerPolicyTests : IDisposable
{
    private const string Clinic = "clinic";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_silo_whose_policy_forbids_the_run_refuses_each_round_its_charges_are_given_back_and_the_run_completes_with_the_others()
    {
        var policy = Policy("""{ "runs": [{ "name": "study-*" }] }""");
        var (run, rounds, ledger) = await RunAsync(WithSilo(minimumReports: 4), (services, ledgerOf) =>
        {
            services.AddHostedService(provider => new Silo(provider, Clinic, _folder.File("clinic"), policy));
            services.AddSingleton<IUpdateSink>(provider => new AfterRefund(
                new InProcessUpdateSink(provider.GetRequiredService<UpdateReception>()), provider.GetRequiredService<AggregatorDatabase>(), () => ledgerOf(Clinic).Sum(unit => unit.Refunded)));
        });

        Assert.Equal((RunState.Completed, null), (run.State, run.Reason));
        Assert.Equal(TinyRun.Rounds, rounds.Count);
        Assert.All(rounds, round => Assert.Equal((RoundState.Done, 5, 1, 4), (round.State, round.ClientsSelected, round.ClientsRefused, round.UpdatesAdmitted)));
        Assert.All(ledger, unit => Assert.Equal((0, 0, TinyRun.Rounds, 0), (unit.Reserved, unit.Committed, unit.Refunded, unit.Unbounded)));
        Assert.Equal(2, ledger.Count);
        Assert.Equal(
            ["tiny 1 Refused OWNER_POLICY runs", "tiny 2 Refused OWNER_POLICY runs", "tiny 3 Refused OWNER_POLICY runs"],
            Record("select run_name || ' ' || round || ' ' || state || ' ' || reason_code || ' ' || rule from tasks order by round"));
        Assert.Empty(Record("select run_id from releases"));
    }

    [Fact]
    public async Task A_silo_whose_policy_allows_the_run_but_no_evaluation_takes_part_in_each_round_and_nobody_waits_for_its_scores()
    {
        var policy = Policy("""{ "runs": [{ "name": "ti*", "dataSet": "digits" }], "strategies": ["fedAvg"], "evaluation": false }""");
        var (run, rounds, ledger) = await RunAsync(
            WithSilo(minimumReports: 5),
            (services, _) => services.AddHostedService(provider => new Silo(provider, Clinic, _folder.File("clinic"), policy)));

        Assert.Equal(RunState.Completed, run.State);
        Assert.All(rounds, round => Assert.Equal((RoundState.Done, 5), (round.State, round.UpdatesAdmitted)));
        Assert.All(rounds, round => Assert.Equal(4, round.FederatedEvaluation?.Clients));
        Assert.Equal(["evaluation", "evaluation", "evaluation"], Record("select rule from evaluations"));
        Assert.All(ledger, unit => Assert.Equal((0, TinyRun.Rounds, 0), (unit.Reserved, unit.Committed, unit.Refunded)));
        Assert.Equal(["Announced", "Announced", "Announced"], Record("select state from tasks"));
    }

    [Fact]
    public async Task A_run_that_everyone_refuses_is_abandoned_after_as_many_rounds_as_it_allows_and_does_not_wait_for_their_deadlines()
    {
        var policy = Policy("""{ "privacy": { "modes": ["local"] } }""");
        var (run, rounds, _) = await RunAsync(
            TinyRun.Read("selection.maximumAbandonedRounds=2", "selection.deadlineSeconds=86400"),
            (services, _) => services.PostConfigure<ClientWorkerOptions>(worker => worker.PolicyFile = policy));

        Assert.Equal(RunState.Abandoned, run.State);
        Assert.StartsWith("2 rounds in a row were abandoned; ", run.Reason, StringComparison.Ordinal);
        Assert.Equal(2, rounds.Count);
        Assert.All(rounds, round => Assert.Equal((RoundState.Abandoned, 4, 0), (round.State, round.ClientsRefused, round.UpdatesAdmitted)));
    }

    // The four of the pool, and the silo, which a run file knows nothing of.
    private static RunFile WithSilo(int minimumReports)
    {
        var file = TinyRun.Read("evaluation.deadlineSeconds=86400");
        return file with { Run = file.Run with { Selection = file.Run.Selection with { MinimumClients = 5, MinimumReports = minimumReports } } };
    }

    private static async Task<(RunView Run, IReadOnlyList<RoundView> Rounds, IReadOnlyList<UnitView> Ledger)> RunAsync(
        RunFile file, Action<IServiceCollection, Func<string, IReadOnlyList<UnitView>>> adjust)
    {
        using var folder = new TemporaryFolder();
        using var late = new CancellationTokenSource(Product.Patience);
        LedgerStore? ledger = null;
        await using var federation = await Federation.StartAsync(file, folder.Path, Transport.Memory, "http://127.0.0.1:0", late.Token, services =>
        {
            services.AddHostedService(provider =>
            {
                ledger = provider.GetRequiredService<LedgerStore>();
                return new Nothing();
            });
            adjust(services, LedgerOf);
        });
        RunView? run = null;
        await foreach (var change in federation.RunAsync(late.Token))
        {
            run = change.Run;
        }

        return (run!, federation.Results(run!.RunId).Rounds, LedgerOf(Clinic));

        IReadOnlyList<UnitView> LedgerOf(string clientId) => [.. ledger!.LedgersOf(clientId).SelectMany(view => view.Units)];
    }

    private string Policy(string json)
    {
        File.WriteAllText(_folder.File("policy.json"), json);
        return _folder.File("policy.json");
    }

    private List<string> Record(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("clinic/client-worker.db")};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private sealed class Nothing : Microsoft.Extensions.Hosting.BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
    }

    /// <summary>
    /// Holds the others' updates back until the silo's charges of the round are given back: once a round is committed they can't be any more, and which of the
    /// two is first is not this test's question.
    /// </summary>
    /// <param name="refunded">Charges given back so far, in both units.</param>
    private sealed class AfterRefund(IUpdateSink inner, AggregatorDatabase books, Func<long> refunded) : IUpdateSink
    {
        public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
            inner.HoldsAsync(reservationId, leaseToken, update, cancellationToken);

        public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
        {
            BookMember? member = null;
            await Eventually.HoldsAsync("the round's book is open", () => (member = books.Read(transaction => BookStore.FindByReservation(transaction, reservationId))) is not null);
            var round = books.Read(transaction => BookStore.Find(transaction, member!.RoundId))!.Round;
            await Eventually.HoldsAsync("the silo's charges of the round are given back", () => refunded() == 2 * round);
            await inner.SubmitAsync(reservationId, leaseToken, update, bytes, signature, cancellationToken);
        }
    }
}
