using System.Text;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Api;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Tests.Privacy;

public sealed class LedgerCommandTests(BudgetedRun run) : IClassFixture<BudgetedRun>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public void A_run_spends_what_its_plan_said_and_ends_when_it_said()
    {
        var plan = run.Plan;
        var accounts = LedgerReplay.Of(Entries(), newest: 1).Values;

        Assert.Equal((RunState.BudgetExhausted, plan.Ending), (run.Run.State, RunState.BudgetExhausted));
        Assert.Equal(plan.RoundsDone, run.Rounds.Count(round => round.State == RoundState.Done));
        Assert.InRange(plan.RoundsDone, 1, 4);
        foreach (var unit in plan.Units)
        {
            var spent = accounts.Where(account => account.Totals.Key.Unit == unit.Unit).Select(account => account.Totals).ToList();
            Assert.Equal(4, spent.Count);
            Assert.All(spent, totals => Assert.Equal(PrivacyMeasure.Of(unit.Measure, unit.Alpha), totals.Measure));
            Assert.All(spent, totals => Assert.Equal(unit.Spending[plan.RoundsDone - 1].Filter, Pricing.EpsilonOf(totals.Spent, totals.Measure!, unit.Delta)));
        }

        var done = run.Rounds.Where(round => round.State == RoundState.Done).ToList();
        Assert.Equal((plan.Traffic.Down, plan.Traffic.Up), (done.Sum(round => round.BytesDown), done.Sum(round => round.BytesUp)));
    }

    [Fact]
    public void A_sound_ledger_is_verified_in_a_run_folder_in_a_copy_and_over_http()
    {
        using var source = LedgerFileSource.Open(run.Folder);
        var last = source.Entries().Last();
        var copy = run.CopyLedger(_folder.Path);

        foreach (var (data, url) in new (string?, Uri?)[] { (run.Folder, null), (copy, null), (_folder.Path, null), (null, run.Url) })
        {
            _output.GetStringBuilder().Clear();
            Assert.Equal((0, ""), (Verify(data, url), _errors.ToString()));
            Assert.Matches($"Entries +{last.Sequence}, each as it was written; [1-9][0-9]* receipts held\nHead +{last.Hash}\n", _output.ToString());
        }

        Assert.Equal(["ledger.db"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    // Where in the stored row of an entry, counted from the hash of the entry before.
    [Theory]
    [InlineData(0, "previous hash")]
    [InlineData(63, "previous hash")]
    [InlineData(64, "hash of its content")]
    [InlineData(127, "hash of its content")]
    [InlineData(-1, "is no time")]
    [InlineData(-25, "hash of its content")]
    [InlineData(-29, "hash of its content")]
    public void A_flipped_byte_is_found_and_its_entry_named(int offset, string reason)
    {
        var copy = run.CopyLedger(_folder.Path);
        foreach (var entry in new[] { Entries()[4], Entries()[^1] })
        {
            var bytes = File.ReadAllBytes(copy);
            foreach (var place in Places(bytes, entry.PreviousHash + entry.Hash))
            {
                bytes[place + offset] ^= 1;
            }

            var changed = _folder.File("changed.db");
            File.WriteAllBytes(changed, bytes);
            _errors.GetStringBuilder().Clear();

            Assert.Equal(1, Verify(changed));
            Assert.StartsWith($"{changed}: entry {entry.Sequence} is wrong: ", _errors.ToString(), StringComparison.Ordinal);
            Assert.Contains(reason, _errors.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Another_spelling_of_the_same_value_is_found()
    {
        var copy = run.CopyLedger(_folder.Path);
        var entry = Entries().First(entry => entry.Kind == EntryKind.Commit).Sequence;
        Tamper(copy, $"update ledger_entry set reservation_id = upper(reservation_id) where sequence = {entry}");

        Assert.Equal(1, Verify(copy));
        Assert.Contains($"entry {entry} is wrong", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_cut_short_no_longer_holds_its_receipts()
    {
        var copy = run.CopyLedger(_folder.Path);
        Tamper(copy, "delete from ledger_entry where sequence > 20");

        Assert.Equal(1, Verify(copy));
        Assert.Contains("entry 21 is wrong: the log ends after entry 20, but a receipt names entry", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sum_that_admission_goes_by_must_be_that_of_the_log()
    {
        var copy = run.CopyLedger(_folder.Path);
        Tamper(copy, "update ledger_unit set spent = spent - 1 where unit = 'client'");

        Assert.Equal(1, Verify(copy));
        Assert.Contains("the log is right, but ledger_unit of ", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_there_is_no_ledger_the_exit_code_is_2_and_nothing_is_made()
    {
        File.WriteAllText(_folder.File("text.db"), new string('x', 5000));
        File.WriteAllBytes(_folder.File("empty.db"), []);

        Assert.Equal(2, Verify(_folder.Path));
        Assert.Equal(2, Verify(_folder.File("text.db")));
        Assert.Equal(2, Verify(_folder.File("empty.db")));
        Assert.Equal(2, Verify(_folder.File("nowhere")));
        Assert.Equal(2, Verify(null, new Uri(run.Url, "nothing-here/")));
        Assert.Equal(2, Verify(null));
        Assert.Equal(2, Verify(_folder.Path, run.Url));
        Assert.Equal(["empty.db", "text.db"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
        Assert.Contains($"There is no ledger in {_folder.Path}: expected ledger.db or", _errors.ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_clients_ledger_shows_charges_spending_budget_and_entries(bool overHttp)
    {
        var (code, page) = Show("client-000002", overHttp);
        var rounds = run.Rounds.Count(round => round.State == RoundState.Done);
        var plan = run.Plan;
        var client = plan.Units[1].Spending[rounds - 1];

        Assert.Equal((0, ""), (code, _errors.ToString()));
        Assert.Contains("Data      digits of client, iid/4, seed 1, part 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"Charged   {rounds} × subsampledGaussian z = 1.1, q = 0.21333, 5 steps\n", page, StringComparison.Ordinal);
        Assert.Contains($"Charged   {rounds} × gaussian z = 2\n", page, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"Spent     ε = {client.Filter:F3} at δ = 0.00001 by the filter at α = 4\n"), page, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"ε = {client.Pld:F3} for the fixed schedule"), page, StringComparison.Ordinal);
        Assert.Matches(@"Budget    ε = 8 at δ = 0\.00001, \d\d\.\d\d % left\n", page);
        Assert.Contains($"Entries   0 reserved, {rounds} committed, 0 refunded\n", page, StringComparison.Ordinal);
        // Each task of z = 2 costs 4/8 at α = 4, rounded up with the accountant's margin.
        Assert.Matches(@" commit +1 +client-000002 +500,000,001 ", page);
        Assert.All(page.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_client_that_was_never_charged_is_named(bool overHttp)
    {
        Assert.Equal((2, ""), Show("client-000009", overHttp));
        Assert.EndsWith(": client client-000009 was never charged.\n", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_log_alone_tells_refunds_unbounded_charges_and_the_newest_entries()
    {
        var (ledger, budget) = (Guid.Parse("0195a3c4-0000-8000-8000-00000000000a"), """{"epsilon":8,"delta":1E-05,"alpha":4}""");
        LedgerEntry Entry(long sequence, EntryKind kind, string charge, string? happened = null) => Entries()[^1] with
        {
            Sequence = sequence,
            Kind = kind,
            LedgerId = ledger,
            Unit = PrivacyUnit.Client,
            Charge = kind == EntryKind.Budget ? null : charge,
            Event = happened ?? (charge == "unbounded" ? """{"unit":"client","mechanism":"unbounded"}""" : """{"unit":"client","mechanism":"gaussian","noiseMultiplier":2}"""),
            Alpha = charge == "unbounded" ? null : 4,
        };

        var account = Assert.Single(LedgerReplay.Of(
            [
                Entry(1, EntryKind.Reserve, "unbounded"), Entry(2, EntryKind.Commit, "unbounded"), Entry(3, EntryKind.Budget, "", budget),
                Entry(4, EntryKind.Reserve, "5"), Entry(5, EntryKind.Refund, "5"), Entry(6, EntryKind.Reserve, "5"),
            ],
            newest: 2)).Value;

        Assert.Equal(new AccountTotals(new AccountKey(ledger, PrivacyUnit.Client), 6, 1, 1, 1, 1, 5, PrivacyMeasure.Renyi(4), new BudgetTerms { Epsilon = 8, Delta = 1e-5 }), account.Totals);
        Assert.Equal([(PrivacyMechanism.Unbounded, 1L), (PrivacyMechanism.Gaussian, 1L)], account.Charges.Select(part => (part.Charge.Mechanism, part.Count)).Order());
        Assert.Equal([5, 6], account.Newest.Select(entry => entry.Sequence));
    }

    private List<LedgerEntry> Entries()
    {
        using var source = LedgerFileSource.Open(run.Folder);
        return [.. source.Entries()];
    }

    // As somebody would who has the file: the database's own triggers would refuse.
    private static void Tamper(string path, string sql) => BudgetedRun.Execute(path, $"""
        pragma journal_mode = delete;
        drop trigger ledger_entry_is_not_changed;
        drop trigger ledger_entry_is_kept;
        {sql};
        """);

    // A page that was split keeps bytes that nothing refers to any more, so that a row may stand in several places.
    private static List<int> Places(ReadOnlySpan<byte> bytes, string text)
    {
        var (pattern, places) = (Encoding.ASCII.GetBytes(text), new List<int>());
        for (var at = bytes.IndexOf(pattern); at >= 0; at = bytes[(at + 1)..].IndexOf(pattern) is >= 0 and var next ? at + 1 + next : -1)
        {
            places.Add(at);
        }

        return places;
    }

    private int Verify(string? data, Uri? url = null) =>
        LedgerCommand.Execute(data, url, source => LedgerCheck.Write(source, _output, _errors), _errors, TestContext.Current.CancellationToken);

    private (int Code, string Page) Show(string clientId, bool overHttp)
    {
        var code = 0;
        var page = PrivateRun.Shown(console => code = LedgerCommand.Execute(
            overHttp ? null : run.Folder,
            overHttp ? run.Url : null,
            source => ClientLedgerPage.Write(source, clientId, console, _errors),
            _errors,
            TestContext.Current.CancellationToken));
        return (code, page);
    }
}
