using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>
/// The power goes while the ledger writes (scenario S23): whatever part of the write-ahead log's end is on the disk, or whatever is there in its place, the
/// ledger opens by itself and holds every charge whose commit was synced, and nothing of one that was not.
/// </summary>
public sealed class PowerLossTests(ITestOutputHelper output) : IAsyncDisposable
{
    // https://www.sqlite.org/fileformat.html#the_write_ahead_log
    private const int LogHeader = 32;
    private const int FrameHeader = 24;
    private const int PageSize = 4096;
    private const int Frame = FrameHeader + PageSize;
    private const int Charges = 3;

    // The files of each cut are written and thrown away: in memory, where there is such a folder.
    private const string Memory = "/dev/shm";

    private readonly LedgerFile _file = new();
    private readonly string _folder = Path.Combine(Directory.Exists(Memory) ? Memory : Path.GetTempPath(), $"power-{Guid.NewGuid():N}");

    /// <summary>The ledger after each charge was acknowledged, and how long the log was then.</summary>
    private readonly List<(LedgerReceipt Head, long LogLength)> _acknowledged = [];

    private byte[] _main = [];
    private byte[] _log = [];

    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task S23_a_log_that_is_cut_at_any_byte_of_its_last_frames_leaves_every_acknowledged_charge_and_no_part_of_another()
    {
        await ChargeAsync();
        var frames = Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1" ? 3 : 2;
        var ends = FrameEnds().SelectMany(end => new[] { end - 1, end, end + 1 }).Append(0).Where(cut => cut <= _log.Length).ToHashSet();
        var cuts = Enumerable.Range(0, (frames * Frame) + 1).Select(back => _log.Length - back).Union(ends).ToList();
        foreach (var cut in cuts)
        {
            await AssertOpensAsync(_log.AsMemory(0, cut), cut, isThorough: ends.Contains(cut) || cut % 64 == 0);
        }

        output.WriteLine($"{cuts.Count} cuts of a log of {_log.Length} bytes in {(_log.Length - LogHeader) / Frame} frames, {frames} of them at every byte.");
    }

    [Fact]
    public async Task S23_a_log_whose_end_is_garbage_or_old_bytes_leaves_every_acknowledged_charge_and_no_part_of_another()
    {
        await ChargeAsync();
        foreach (var from in FrameEnds().TakeLast(24).SelectMany(end => new[] { end - PageSize - 1, end - 1, end - Frame + 4 }).Where(from => from > LogHeader && from < _log.Length))
        {
            foreach (var end in new[] { new byte[_log.Length - from], RandomNumberGenerator.GetBytes(_log.Length - from), _log[LogHeader..].Concat(_log).Take(_log.Length - from).ToArray() })
            {
                // Bytes that happen to be what was there are no damage.
                var changed = Enumerable.Range(from, _log.Length - from).FirstOrDefault(i => _log[i] != end[i - from], _log.Length);
                await AssertOpensAsync(_log.AsMemory(0, from).ToArray().Concat(end).ToArray(), changed);
            }
        }
    }

    [Fact]
    public async Task S23_a_ledger_goes_on_after_the_power_came_back_and_a_charge_that_was_lost_is_made_once_when_it_is_asked_again()
    {
        await ChargeAsync();
        var path = Path.Combine(_folder, "again.db");
        await File.WriteAllBytesAsync(path, _main);
        await File.WriteAllBytesAsync($"{path}-wal", _log[..^1]);
        await using var ledger = new LedgerFile(path);
        Assert.Equal(_acknowledged[^2].Head, ledger.Store.Head());

        for (var i = 0; i < Charges; i++)
        {
            Assert.Single((await ledger.ApplyAsync(Request(i))).Messages.OfType<BudgetReserved>());
        }

        Assert.Equal(_acknowledged[^1].Head, ledger.Store.Head());
        Assert.Null(LedgerVerification.FirstFault(ledger.Store.Entries(after: 0, limit: 100)));
    }

    private static ReserveBudget Request(int i) => Messages.Reserve(Messages.RunA, round: i + 1, attempt: 1, "anna@north", $"c{i}@o{i}");

    // One after the other, each synced before the next: the log as the disk has it when the last is acknowledged.
    private async Task ChargeAsync()
    {
        // The schema is in the file, and the log begins with the first charge.
        Assert.Equal(LedgerChain.Empty, _file.Store.Head());
        await _file.CloseAsync();
        Directory.CreateDirectory(_folder);
        for (var i = 0; i < Charges; i++)
        {
            var head = (await _file.ApplyAsync(Request(i))).State.Head;
            _acknowledged.Add((head, new FileInfo($"{_file.Path}-wal").Length));
        }

        _main = await File.ReadAllBytesAsync(_file.Path);
        _log = await File.ReadAllBytesAsync($"{_file.Path}-wal");
        Assert.Equal(0, (_log.Length - LogHeader) % Frame);
        Assert.Equal(_acknowledged.Select(charge => charge.LogLength).Order().Distinct(), _acknowledged.Select(charge => charge.LogLength));
    }

    private IEnumerable<int> FrameEnds() => Enumerable.Range(1, (_log.Length - LogHeader) / Frame).Select(frame => LogHeader + (frame * Frame));

    /// <param name="intact">Bytes of the log that are as they were written.</param>
    /// <param name="isThorough">Whether every entry and every table is looked at, beside the head's hash over all of them.</param>
    private async Task AssertOpensAsync(ReadOnlyMemory<byte> log, int intact, bool isThorough = true)
    {
        var path = Path.Combine(_folder, "cut.db");
        await File.WriteAllBytesAsync(path, _main);
        await File.WriteAllBytesAsync($"{path}-wal", log);
        await using var ledger = new LedgerFile(path);
        var expected = _acknowledged.LastOrDefault(charge => charge.LogLength <= intact, (LedgerChain.Empty, 0)).Head;
        Assert.True(expected == ledger.Store.Head(), $"Of {intact} bytes the ledger has entry {ledger.Store.Head().Sequence}; expected {expected.Sequence}.");
        if (!isThorough)
        {
            return;
        }

        var entries = ledger.Store.Entries(after: 0, limit: 100);
        Assert.Equal(expected.Sequence, entries.Count);
        Assert.Null(LedgerVerification.FirstFault(entries, expected));
        // A page of two clients in both units, whole or not at all, in every table.
        Assert.Equal(entries.Count(entry => entry.Kind == EntryKind.Reserve), ledger.Database.Read(transaction => transaction.Scalar<int>("select count(*) from reservation")));
        Assert.Equal(entries.Count, ledger.Database.Read(transaction => transaction.Scalar<int>("select coalesce(sum(entries), 0) from ledger_unit")));
    }
}
