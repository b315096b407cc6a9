using System.Diagnostics;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>Copies of a ledger that is charged all the while.</summary>
public sealed class LedgerBackupTests(ITestOutputHelper output)
{
    private const int Clients = 3000;
    private const int Copies = 12;
    private const int Writers = 8;

    [Fact]
    public async Task Backups_under_constant_charges_are_whole_and_each_is_the_ledger_as_it_was_at_one_moment()
    {
        await using var file = new LedgerFile(synced: false);
        var heads = new HashSet<LedgerReceipt> { file.Store.Head() };
        var longest = 0.0;
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = writer; i < Clients; i += Writers)
            {
                var since = Stopwatch.GetTimestamp();
                var head = (await file.ApplyAsync(Messages.Reserve($"c{i}@o{i}"))).State.Head;
                lock (heads)
                {
                    heads.Add(head);
                    longest = Math.Max(longest, Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                }
            }
        })));
        var copies = new List<(string Path, double Milliseconds)>();
        for (var i = 0; i < Copies; i++)
        {
            while (Charged() < i * Clients / Copies)
            {
                await Task.Delay(1);
            }

            var path = Path.Combine(file.Folder, $"copy-{copies.Count}");
            var since = Stopwatch.GetTimestamp();
            Snapshot.Take(file.Path, path, Messages.Noon);
            copies.Add((path, Stopwatch.GetElapsedTime(since).TotalMilliseconds));
        }

        await writing;
        Assert.Equal(2 * Clients, file.Store.Head().Sequence);
        foreach (var (path, _) in copies)
        {
            await AssertIsPrefixAsync(path, file, heads);
        }

        int Charged()
        {
            lock (heads)
            {
                return heads.Count;
            }
        }

        output.WriteLine($"{copies.Count} backups while {Clients} clients were charged: {copies.Average(copy => copy.Milliseconds):F0} ms each; the longest wait for a charge was {longest:F0} ms.");
    }

    private static async Task AssertIsPrefixAsync(string path, LedgerFile file, HashSet<LedgerReceipt> heads)
    {
        Snapshot.Check(path);
        await using var copy = new LedgerFile(path);
        var entries = copy.Store.Entries(after: 0, limit: int.MaxValue);
        var head = copy.Store.Head();
        Assert.True(head.Sequence == 0 || heads.Contains(head), $"Entry {head.Sequence} was not the head after any charge.");
        Assert.Null(LedgerVerification.FirstFault(entries, head));
        Assert.Equal(file.Store.Entries(after: 0, limit: (int)head.Sequence), entries);
        // What admission goes by is of the same moment.
        Assert.Equal(entries.Count / 2, copy.Database.Read(transaction => transaction.Scalar<int>("select count(*) from reservation where unit = 'client'")));
        Assert.Equal(entries.Count, copy.Database.Read(transaction => transaction.Scalar<int>("select coalesce(sum(entries), 0) from ledger_unit")));
        Assert.NotNull(copy.Database.Read(Restoration.KnownSince));
    }
}
