using System.Text;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.Standalone.Replay;

namespace FlEvents.Standalone.Tests.Replay;

/// <summary>What replay says of sound folders, and of folders in which something was changed.</summary>
public sealed class ReplayCommandTests(KeptRun run) : IClassFixture<KeptRun>, IDisposable
{
    private readonly TemporaryFolder _copy = new();

    public void Dispose() => _copy.Dispose();

    private string Log => _copy.File("events.jsonl");

    [Fact]
    public void A_run_that_kept_its_updates_is_made_again_to_the_last_bit()
    {
        var (exitCode, output, errors) = ReplayedRun.Replay(run.Folder);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Equal(
            $"""
            Run       tiny, completed: 2 of 2 rounds aggregated, 0 abandoned
            Records   19, each as it was written; the last is named by summary.json
                      head {run.Run.EventsHead}
            Updates   8 admitted, of 8 tasks that were charged
            Models    3 made again, from seed 5 and 8 updates
                      3 with the bytes that the log names
            Charges   16 final, of 8 tasks in both units: those of the ledger, each final before its model
                      ledger {Path.Combine(run.Folder, "state/privacy-accountant/ledger.db")}
            Model     {run.Run.Model!.Sha256}, made again

            """.ReplaceLineEndings("\n"),
            output);
    }

    [Fact]
    public void Log_and_updates_alone_are_enough_to_make_the_models_again()
    {
        Copy();
        File.Delete(_copy.File("model.safetensors"));
        Directory.Delete(_copy.File("state", "aggregator", "models"), recursive: true);
        Directory.Delete(_copy.File("state", "privacy-accountant"), recursive: true);

        var (exitCode, output, _) = ReplayedRun.Replay(_copy.Path);

        Assert.Equal(0, exitCode);
        Assert.Contains($"Model     {run.Run.Model!.Sha256}, made again", output, StringComparison.Ordinal);
        Assert.Contains("2 receipts in order; no ledger lies with the log", output, StringComparison.Ordinal);
    }

    // What comes before a record is as it was, so each is looked at by itself: as replay does, but not from the start for every byte.
    [Fact]
    public void Each_byte_of_the_log_that_is_flipped_is_found_in_its_record()
    {
        var bytes = File.ReadAllBytes(Path.Combine(run.Folder, "events.jsonl"));
        var (head, begin) = (HashChain.Empty, 0);
        foreach (var record in ReplayedRun.Records(run.Folder))
        {
            var end = Array.IndexOf(bytes, (byte)'\n', begin) + 1;
            for (var place = begin; place < end; place++)
            {
                bytes[place] ^= (byte)(1 << (place % 8));
                var (read, fault) = EventsFile.Read(new MemoryStream(bytes, begin, bytes.Length - begin)).First();
                bytes[place] ^= (byte)(1 << (place % 8));
                Assert.True(fault is not null || EventChain.FaultOf(head, read!) is not null, $"Byte {place}, in record {record.Sequence}");
            }

            (head, begin) = (new ChainHead(record.Sequence, record.Hash), end);
        }

        Assert.Equal(bytes.Length, begin);
    }

    [Fact]
    public void A_flipped_byte_of_the_log_ends_replay_with_the_name_of_its_record()
    {
        Copy();
        var bytes = File.ReadAllBytes(Log);
        for (var place = 0; place < bytes.Length; place += 97)
        {
            var record = bytes.AsSpan(0, place).Count((byte)'\n') + 1;
            bytes[place] ^= 1;
            File.WriteAllBytes(Log, bytes);
            bytes[place] ^= 1;
            Assert.Matches($@"record {record}(, \w+)? is wrong: ", ReplayedRun.Replay(_copy.Path).Errors);
        }
    }

    [Theory]
    [InlineData("remove", 3, "record 3, BudgetReserved is wrong: sequence 4 follows 2")]
    [InlineData("swap", 6, "record 6, UpdateAdmitted is wrong: sequence 7 follows 5")]
    [InlineData("repeat", 6, "record 7, UpdateAdmitted is wrong: sequence 6 follows 6")]
    [InlineData("remove", 1, "record 1, ModelPublished is wrong: sequence 2 follows 0")]
    [InlineData("remove", 19, "record 19 is wrong: it is missing: the log ends before RunCompleted")]
    [InlineData("cut", 10, "record 10 is wrong: it is missing: the log ends before RunCompleted")]
    [InlineData("cut", 1, "record 1 is wrong: it is missing: the log ends before RunCompleted")]
    public void A_record_that_is_removed_swapped_or_repeated_and_a_log_cut_short_are_found(string what, int record, string expected)
    {
        Copy();
        var lines = File.ReadAllLines(Log).ToList();
        var line = lines[record - 1];
        switch (what)
        {
            case "remove":
                lines.RemoveAt(record - 1);
                break;
            case "repeat":
                lines.Insert(record, line);
                break;
            case "swap":
                (lines[record - 1], lines[record]) = (lines[record], line);
                break;
            default:
                lines.RemoveRange(record - 1, lines.Count - record + 1);
                break;
        }

        File.WriteAllText(Log, string.Concat(lines.Select(kept => $"{kept}\n")));

        AssertWrong(expected);
    }

    [Fact]
    public void A_line_without_its_end_is_found()
    {
        Copy();
        File.WriteAllBytes(Log, File.ReadAllBytes(Log)[..^1]);

        AssertWrong("record 19 is wrong: its line has no end");
    }

    // Every byte of a small file takes too long for all; a stride that no size of a row divides meets headers, weights and biases.
    [Fact]
    public void A_byte_of_a_model_or_an_update_that_is_flipped_is_found_in_the_record_that_names_it()
    {
        Copy();
        var places = new[] { "models", "updates" }.SelectMany(kind => Directory.EnumerateFiles(_copy.File("state", "aggregator", kind))).Append(_copy.File("model.safetensors"));
        var records = ReplayedRun.Records(_copy.Path);
        foreach (var file in places.ToList())
        {
            var sha256 = Path.GetFileName(file) is { Length: 64 } name ? name : run.Run.Model!.Sha256;
            var expected = records.First(record => record.Type is "ModelPublished" or "UpdateAdmitted" or "RoundAggregated" && record.Body.Contains(sha256, StringComparison.Ordinal));
            var bytes = File.ReadAllBytes(file);
            for (var place = 0; place < bytes.Length; place += 4999)
            {
                bytes[place] ^= 1;
                File.WriteAllBytes(file, bytes);
                bytes[place] ^= 1;
                AssertWrong($"record {expected.Sequence}, {expected.Type} is wrong: ");
            }

            File.WriteAllBytes(file, bytes[..^1]);
            AssertWrong($"record {expected.Sequence}, {expected.Type} is wrong: ");
            File.WriteAllBytes(file, bytes);
        }

        Assert.Equal(0, ReplayedRun.Replay(_copy.Path).ExitCode);
    }

    [Fact]
    public void A_summary_that_names_another_last_record_is_believed()
    {
        Copy();
        var records = ReplayedRun.Records(_copy.Path);

        Say($$"""{ "eventsHead": "{{new string('e', 64)}}" }""", "record 20 is wrong: it is missing: ");
        Say($$"""{ "eventsHead": "{{records[^2].Hash}}" }""", "record 19 is wrong: it was added: ");
        Say("""{ "eventsHead": null }""", "record 20 is wrong: ");
        Say("[]", "record 20 is wrong: ");
        Say("{", "record 20 is wrong: ");

        File.Delete(_copy.File("summary.json"));
        var (exitCode, output, _) = ReplayedRun.Replay(_copy.Path);
        Assert.Equal(0, exitCode);
        Assert.Contains("the last is RunCompleted, and no file beside the log names it", output, StringComparison.Ordinal);

        void Say(string summary, string expected)
        {
            File.WriteAllText(_copy.File("summary.json"), summary);
            AssertWrong(expected);
        }
    }

    [Fact]
    public void A_folder_without_a_log_is_bad_input_and_says_what_was_expected()
    {
        Copy();
        File.Delete(Log);
        Assert.Equal((2, $"There is no event log in {_copy.Path}: expected events.jsonl in it. Its run was begun by a version of flevents that kept no log.\n"), Refused(_copy.Path));

        File.Delete(_copy.File("summary.json"));
        Assert.Equal(
            (2, $"There is no event log in {_copy.Path}: expected events.jsonl in it. Its run has not ended: go on with it by ./flevents run --resume {_copy.Path}.\n"), Refused(_copy.Path));
        Assert.Equal((2, "There is no event log in nowhere: expected events.jsonl in it. There is no such folder.\n"), Refused("nowhere"));

        static (int, string) Refused(string folder) => ReplayedRun.Replay(folder) is var (exitCode, _, errors) ? (exitCode, errors) : default;
    }

    // A chain has no key: one who has the folder can write it anew. Then what it tells must still be so.
    [Theory]
    [InlineData("\"exampleCount\":75,", "\"exampleCount\":70,", "record 9, RoundAggregated is wrong: its 4 updates make model ")]
    [InlineData("\"seed\":5,", "\"seed\":6,", "record 2, ModelPublished is wrong: seed 6 gives model ")]
    [InlineData("\"mechanism\":\"unbounded\"", "\"mechanism\":\"gaussian\"", "record 3, ReserveBudget is wrong: what client-000000 is to be charged is not what the run's privacy asks for in round 1")]
    [InlineData("\"clientIds\":[\"client-000000\",", "\"clientIds\":[", "record 5, RoundStarted is wrong: 4 clients start round 1, and the ledger has charged 3 of 4")]
    [InlineData("\"updatesAdmitted\":4", "\"updatesAdmitted\":3", "record 9, RoundAggregated is wrong: round 1 is made of 3 updates, and the log tells of 4")]
    [InlineData("\"partitionRule\":\"iid/4\"", "\"partitionRule\":\"iid/5\"", "ledger entry 1 is wrong: its charge is not the one that client-000000 was asked for in round 1: ")]
    public void A_log_that_was_written_anew_with_another_content_is_found(string old, string other, string expected)
    {
        Copy();
        var records = ReplayedRun.Records(_copy.Path);
        Assert.Contains(records, record => record.Body.Contains(old, StringComparison.Ordinal));
        var isFirst = true;
        ReplayedRun.Forge(_copy.Path, records.Select(record =>
        {
            var at = record.Body.IndexOf(old, StringComparison.Ordinal);
            if (at < 0 || !isFirst)
            {
                return record;
            }

            isFirst = false;
            return record with { Body = record.Body[..at] + other + record.Body[(at + old.Length)..] };
        }));

        AssertWrong(expected.Replace("record 9", $"record {Sequence(records, "RoundAggregated")}", StringComparison.Ordinal));
    }

    [Fact]
    public void A_log_written_anew_without_one_of_its_records_is_found_whichever_it_is()
    {
        Copy();
        var records = ReplayedRun.Records(_copy.Path);
        foreach (var left in records)
        {
            ReplayedRun.Forge(_copy.Path, records.Except([left]));
            var (exitCode, _, errors) = ReplayedRun.Replay(_copy.Path);
            Assert.True(exitCode == 1, $"Without record {left.Sequence}, {left.Type}: {errors}");
        }

        ReplayedRun.Forge(_copy.Path, records);
        Assert.Equal(0, ReplayedRun.Replay(_copy.Path).ExitCode);
    }

    [Fact]
    public void The_ledger_of_another_run_is_found()
    {
        Copy();
        var records = ReplayedRun.Records(_copy.Path);
        var other = Guid.CreateVersion7().ToString();

        // All ids that derive from the run's would have to be written anew too: the first that was not is named.
        ReplayedRun.Forge(_copy.Path, records.Select(record => record with { Body = record.Body.Replace(run.Run.RunId.ToString(), other, StringComparison.Ordinal) }));

        AssertWrong($"record {Sequence(records, "UpdateAdmitted")}, UpdateAdmitted is wrong: reservation ");
    }

    private static long Sequence(IReadOnlyList<EventRecord> records, string type) => records.First(record => record.Type == type).Sequence;

    private void Copy() => ReplayedRun.Copy(run.Folder, _copy.Path);

    private void AssertWrong(string expected)
    {
        var (exitCode, output, errors) = ReplayedRun.Replay(_copy.Path);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith($"{_copy.Path}: {expected}", errors, StringComparison.Ordinal);
        Assert.Single(Encoding.UTF8.GetBytes(errors), (byte)'\n');
    }
}
