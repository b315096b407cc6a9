using System.Text.RegularExpressions;
using FlEvents.Testing;

namespace FlEvents.CrashPoints.Tests;

/// <summary>
/// The places in the sources where something outlives the process or leaves it. A new one fails this test: it gets a crash point on both sides, its names
/// in <see cref="Registry"/> and its line here.
/// </summary>
public sealed partial class PlacesTests
{
    private static readonly string[] Known =
    [
        // Crash points of their own.
        "services/Aggregator/Storage/PartialUploads.cs: rename 1",
        "services/Standalone/Report/AtomicFile.cs: fsync 1",
        "services/Standalone/Report/AtomicFile.cs: rename 1",
        "shared/ServiceDefaults/Blobs/BlobFolder.cs: folder fsync 1",
        "shared/ServiceDefaults/Blobs/BlobFolder.cs: fsync 1",
        "shared/ServiceDefaults/Blobs/BlobFolder.cs: rename 2",
        "shared/ServiceDefaults/Messaging/OutboxDispatcher.cs: message 2",
        "shared/ServiceDefaults/Storage/Database.cs: commit 3",
        "shared/ServiceDefaults/Storage/SchemaMigration.cs: commit 1",

        // Writes to a database, each with its operation's name.
        "services/Aggregator/Admission/UpdateCollection.cs: write 3",
        "services/Aggregator/Admission/UpdateReception.cs: write 3",
        "services/Aggregator/Rounds/AggregationWorker.cs: write 1",
        "services/ClientWorker/Storage/TaskStore.cs: write 8",
        "services/Orchestrator/Api/RunCommands.cs: write 3",
        "services/Orchestrator/Consumers/ClientConsumers.cs: write 1",
        "services/Orchestrator/Rounds/RoundTimers.cs: write 1",
        "services/PrivacyAccountant/Api/LedgerQuarantineEndpoints.cs: write 2",
        "services/PrivacyAccountant/Storage/LedgerStore.cs: write 1",
        "shared/ServiceDefaults/Messaging/ConsumeOnce.cs: write 1",
        "shared/ServiceDefaults/Messaging/MessageRetention.cs: write 1",
        "shared/ServiceDefaults/Messaging/OutboxDispatcher.cs: write 2",
        "shared/ServiceDefaults/Quarantine/QuarantineEndpoints.cs: write 2",
        "shared/ServiceDefaults/Quarantine/QuarantineFilter.cs: write 1",
        "shared/ServiceDefaults/Security/AuditTrail.cs: write 1",

        // Copies that a person makes and puts back: one that is broken off leaves a temporary file, and is made again.
        "services/Standalone/Backup/NewFile.cs: folder fsync 1",
        "services/Standalone/Backup/NewFile.cs: fsync 1",
        "services/Standalone/Backup/NewFile.cs: rename 1",
        "services/Standalone/Backup/RestoredFile.cs: rename 1",
        "services/Standalone/Backup/RestoredFile.cs: whole file 1",
        "shared/ServiceDefaults/Backup/Snapshot.cs: commit 1",
        "shared/ServiceDefaults/Storage/FolderSync.cs: fsync 1",
        "shared/ServiceDefaults/Storage/Restoration.cs: commit 1",

        // Clients that come over HTTPS: what they and operators say is one transaction each, as on the bus. No story has such a client; its own tests start it again.
        "services/Orchestrator/Edge/EdgeTasks.cs: write 2",
        "services/Orchestrator/Edge/Enrolments.cs: write 3",

        // A silo's key is made before the silo is known to anybody: one that is broken off leaves a temporary file, and another key is made.
        "services/ClientWorker/Enrollment/WorkerKey.cs: fsync 1",
        "services/ClientWorker/Enrollment/WorkerKey.cs: rename 1",

        // A lost heartbeat is followed by the next.
        "services/ClientWorker/Enrollment/Heartbeat.cs: message 1",
    ];

    [Fact]
    public void Whatever_outlives_a_process_or_leaves_it_does_so_where_there_is_a_crash_point()
    {
        var found = from file in Repository.Files
                    where file.EndsWith(".cs", StringComparison.Ordinal) && (file.StartsWith("services/", StringComparison.Ordinal) || file.StartsWith("shared/", StringComparison.Ordinal))
                    let text = Comment().Replace(File.ReadAllText(Repository.File(file)), "")
                    from step in Steps(text)
                    select $"{file}: {step}";

        Assert.Equal(Known.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Steps(string text) =>
        from step in new[] { ("rename", Rename()), ("fsync", Fsync()), ("folder fsync", FolderFsync()), ("commit", Commit()), ("write", Write()), ("message", Message()), ("whole file", WholeFile()) }
        let count = step.Item2.Count(text)
        where count > 0
        select $"{step.Item1} {count}";

    [GeneratedRegex("//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(?:File|Directory)\.(?:Move|Replace)\(|\.MoveTo\(\w+\.FullName")]
    private static partial Regex Rename();

    [GeneratedRegex(@"\bFolderSync\.Sync\(")]
    private static partial Regex FolderFsync();

    // Not the declaration of the call itself.
    [GeneratedRegex(@"\.Flush\([^)]|\bFlushToDisk\(|\|\| fsync\(")]
    private static partial Regex Fsync();

    [GeneratedRegex(@"\.Commit(?:Async)?\(|\bvacuum into\b|\bBackupDatabase\(", RegexOptions.IgnoreCase)]
    private static partial Regex Commit();

    [GeneratedRegex(@"\b\w*[dD]atabase\.Write(?:Unsynced|OrFail)?Async(?:<\w+>)?\(")]
    private static partial Regex Write();

    [GeneratedRegex(@"\b(?:bus|context|endpoint|publisher|sender)\.(?:Publish|Send|Respond)\w*\(", RegexOptions.IgnoreCase)]
    private static partial Regex Message();

    // A file that is overwritten in place is half there at a crash.
    [GeneratedRegex(@"\bFile\.(?:WriteAll\w+|AppendAll\w+|Copy|OpenWrite|Create)\(")]
    private static partial Regex WholeFile();
}
