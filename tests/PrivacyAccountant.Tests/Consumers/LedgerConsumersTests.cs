using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

[Collection("host")]
public sealed class LedgerConsumersTests : IAsyncLifetime
{
    private readonly LedgerFile _file = new();
    private AccountantHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await AccountantHost.StartAsync(_file.Folder);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _file.DisposeAsync();
    }

    [Fact]
    public async Task A_round_is_charged_refunded_and_committed_and_every_answer_is_published()
    {
        await _host.SendAsync(Messages.Reserve("anna@north", "ben@south", "cem@south"));
        Assert.Equal(["anna", "ben"], (await _host.NextAsync<BudgetReserved>()).ClientIds);
        var refusal = Assert.Single((await _host.NextAsync<BudgetRefused>()).Refused);
        Assert.Equal(("cem", "OWNER_ALREADY_IN_ROUND"), (refusal.ClientId, refusal.ReasonCode));

        await _host.SendAsync(Messages.Refund("ben"));
        Assert.Null(await _host.HandledAsync<RefundBudget>());

        await _host.SendAsync(Messages.Commit());
        var committed = await _host.NextAsync<BudgetCommitted>();
        Assert.Equal(1, committed.Committed);
        Assert.Equal(_host.Ledger.Head(), committed.Receipt);
        Assert.Null(LedgerVerification.FirstFault(_host.Ledger.Entries(after: 0, limit: 100), committed.Receipt));
    }

    [Fact]
    public async Task S3_five_concurrent_requests_make_one_reservation_and_get_five_identical_answers()
    {
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _host.SendAsync(Messages.Reserve("anna@north"))));

        var answers = new List<BudgetReserved>();
        for (var i = 0; i < 5; i++)
        {
            answers.Add(await _host.NextAsync<BudgetReserved>());
        }

        Assert.All(answers, answer => Assert.Equivalent(answers[0], answer, strict: true));
        Assert.Equal([PrivacyUnit.Example, PrivacyUnit.Client], _host.Ledger.Entries(after: 0, limit: 100).Select(entry => entry.Unit));
    }

    [Fact]
    public async Task S3_one_message_delivered_five_times_at_once_is_charged_and_answered_once()
    {
        var messageId = Guid.NewGuid();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _host.SendAsync(Messages.Reserve("anna@north"), messageId)));
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(await _host.HandledAsync<ReserveBudget>());
        }

        Assert.Equal(2, _host.Ledger.Head().Sequence);
        Assert.Equal(1, await OutboxRowsAsync());
        await _host.NextAsync<BudgetReserved>();
        Assert.False(_host.HasMore<BudgetReserved>());
    }

    [Fact]
    public async Task S4_the_same_key_with_other_parameters_is_refused_and_the_first_is_kept()
    {
        await _host.SendAsync(Messages.Gaussian(Messages.Reserve("anna@north")));
        await _host.NextAsync<BudgetReserved>();
        var head = _host.Ledger.Head();

        // Another ledger; less noise; more; and none.
        ReserveBudget[] others =
        [
            Messages.Gaussian(Messages.Reserve("anna@south")),
            Messages.Gaussian(Messages.Reserve("anna@north"), noiseMultiplier: 1.9),
            Messages.Gaussian(Messages.Reserve("anna@north"), noiseMultiplier: 2.1),
            Messages.Reserve("anna@north"),
        ];
        foreach (var other in others)
        {
            await _host.SendAsync(other);
            Assert.Equal("CONFLICT", Assert.Single((await _host.NextAsync<BudgetRefused>()).Refused).ReasonCode);
        }

        Assert.Contains("\nfl_budget_refusals_total{reason=\"CONFLICT\"} 4\n", await _host.Http.GetStringAsync("metrics"), StringComparison.Ordinal);
        Assert.Equal(head, _host.Ledger.Head());
        Assert.False(_host.HasMore<BudgetReserved>());
    }

    [Fact]
    public async Task Of_two_clients_that_ask_for_one_ledger_at_once_exactly_one_is_charged()
    {
        await Task.WhenAll(_host.SendAsync(Messages.Reserve("anna@north")), _host.SendAsync(Messages.Reserve("ben@north")));

        var charged = Assert.Single((await _host.NextAsync<BudgetReserved>()).ClientIds);
        var refusal = Assert.Single((await _host.NextAsync<BudgetRefused>()).Refused);
        Assert.Equal("OWNER_ALREADY_IN_ROUND", refusal.ReasonCode);
        Assert.Equal(["anna", "ben"], new[] { charged, refusal.ClientId }.Order());
        Assert.All(_host.Ledger.Entries(after: 0, limit: 100), entry => Assert.Equal(charged, entry.ClientId));
    }

    [Fact]
    public async Task A_second_commit_is_answered_with_the_first_receipt()
    {
        await _host.SendAsync(Messages.Reserve("anna@north"));
        await _host.NextAsync<BudgetReserved>();
        await _host.SendAsync(Messages.Commit());
        var first = await _host.NextAsync<BudgetCommitted>();
        await _host.SendAsync(Messages.Reserve(Messages.RunB, 1, 1, "anna@north"));
        await _host.NextAsync<BudgetReserved>();

        await _host.SendAsync(Messages.Commit());

        Assert.Equal(first, await _host.NextAsync<BudgetCommitted>());
        Assert.Equal(6, _host.Ledger.Head().Sequence);
    }

    [Fact]
    public async Task A_message_that_breaks_its_contract_is_thrown_and_leaves_nothing()
    {
        await _host.SendAsync(Messages.Reserve("Anna@north"));

        var thrown = Assert.IsType<InvalidDataException>(await _host.HandledAsync<ReserveBudget>());
        Assert.Contains("\"Anna\"", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(LedgerChain.Empty, _host.Ledger.Head());
    }

    [Fact]
    public async Task S1_an_answer_that_was_committed_before_the_process_died_is_published_by_the_next()
    {
        await _host.DisposeAsync();
        // As a killed process leaves it: decided and committed, nothing sent.
        await _file.Database.WriteAsync(
            transaction =>
            {
                var message = Messages.Reserve("anna@north");
                var decision = Ledger.On(LedgerStore.Load(transaction, message), message, new LedgerPolicy(), transaction.Now);
                LedgerStore.Save(transaction, decision);
                transaction.SendAll(decision.Messages);
            },
            CancellationToken.None);
        await _file.CloseAsync();

        _host = await AccountantHost.StartAsync(_file.Folder);

        Assert.Equal(["anna"], (await _host.NextAsync<BudgetReserved>()).ClientIds);
        await _host.SendAsync(Messages.Reserve("anna@north"));
        Assert.Equal(["anna"], (await _host.NextAsync<BudgetReserved>()).ClientIds);
        Assert.Equal(2, _host.Ledger.Head().Sequence);
    }

    [Fact]
    public async Task S2_a_charge_that_was_not_committed_when_the_process_died_leaves_nothing_and_is_made_once_when_it_is_asked_again()
    {
        var head = _host.Ledger.Head();
        await _host.DisposeAsync();
        var path = Path.Combine(_file.Folder, "died.db");
        // As the disk is when everything is written but the commit: the process dies there, and this is what the next one finds.
        await _file.Database.WriteAsync(
            transaction =>
            {
                var message = Messages.Reserve("anna@north");
                LedgerStore.Save(transaction, Ledger.On(LedgerStore.Load(transaction, message), message, new LedgerPolicy(), transaction.Now));
                Assert.Equal(2, transaction.Scalar<int>("select count(*) from ledger_entry"));
                File.Copy(_file.Path, path);
                File.Copy($"{_file.Path}-wal", $"{path}-wal");
            },
            CancellationToken.None);
        await _file.CloseAsync();
        File.Move(path, _file.Path, overwrite: true);
        File.Move($"{path}-wal", $"{_file.Path}-wal", overwrite: true);

        _host = await AccountantHost.StartAsync(_file.Folder);

        Assert.Equal(head, _host.Ledger.Head());
        await Task.WhenAll(_host.SendAsync(Messages.Reserve("anna@north")), _host.SendAsync(Messages.Reserve("anna@north")));
        Assert.Equal(await _host.NextAsync<BudgetReserved>() is var first ? first.ClientIds : [], (await _host.NextAsync<BudgetReserved>()).ClientIds);
        Assert.Equal(2, _host.Ledger.Head().Sequence);
        Assert.Null(LedgerVerification.FirstFault(_host.Ledger.Entries(after: 0, limit: 100)));
    }

    [Fact]
    public async Task Answers_are_kept_while_their_round_lasts_and_forgotten_after_it()
    {
        await _host.SendAsync(Messages.Reserve("anna@north"));
        await _host.NextAsync<BudgetReserved>();
        await SentAsync();
        await _host.SendAsync(Messages.Reserve(Messages.RunA, 2, 1, "anna@north"));
        await _host.NextAsync<BudgetReserved>();
        Assert.Equal([2], await OutboxRoundsAsync());

        await SentAsync();
        await _host.PublishAsync(new RunCompleted { RunId = Messages.RunA, Outcome = RunOutcome.Stopped, Reason = null, Model = null });
        Assert.Null(await _host.HandledAsync<RunCompleted>());
        Assert.Empty(await OutboxRoundsAsync());
    }

    // 2 is FULL: https://www.sqlite.org/pragma.html#pragma_synchronous
    [Fact]
    public async Task The_ledger_is_synced_at_every_commit() =>
        Assert.Equal(2, await _host.Ledger.Database.WriteAsync(transaction => transaction.Scalar<int>("pragma synchronous"), CancellationToken.None));

    // The dispatcher queues its note that a message is sent right after the send: work that is queued once the note is there finds it.
    private async Task SentAsync()
    {
        while (await _host.Ledger.Database.WriteAsync(transaction => transaction.Scalar<long>("select count(*) from outbox where sent_at is null"), CancellationToken.None) > 0)
        {
            await Task.Yield();
        }
    }

    private Task<IReadOnlyList<int>> OutboxRoundsAsync() =>
        _host.Ledger.Database.WriteAsync(transaction => transaction.Query<int>("select round from outbox order by seq"), CancellationToken.None);

    private Task<long> OutboxRowsAsync() =>
        _host.Ledger.Database.WriteAsync(transaction => transaction.Scalar<long>("select count(*) from outbox"), CancellationToken.None);
}
