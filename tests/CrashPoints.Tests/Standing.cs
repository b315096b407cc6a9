using Dapper;
using Microsoft.Data.Sqlite;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Where a federation stands that does not go on: what waits, in each of its databases.</summary>
internal static class Standing
{
    private static readonly (string What, string Query)[] Questions =
    [
        ("unsent", "select type || ' ' || count(*) from outbox where sent_at is null group by type"),
        ("run", "select state || ' ' || coalesce(reason, '') from run"),
        ("round", "select number || ' ' || state || ' planned ' || planned || ' open ' || open || ' deadline ' || coalesce(deadline_at, '') from round"),
        ("member", "select client_id || ' ' || state || ' lease ' || lease_number || ' ends ' || coalesce(lease_ends_at, '') || ' ' || coalesce(detail, '') from member"),
        ("worker", "select worker_id || ' seen ' || seen_at from worker"),
        ("book", "select round || ' ' || state || ' members ' || members || '/' || cohort_size || ' admitted ' || admitted from book"),
        ("early", "select type || ' ' || count(*) from early_message group by type"),
        ("task", "select client_id || ' ' || round || ' ' || state || ' ' || coalesce(detail, '') from tasks"),
        ("held", "select type || ' ' || count(*) from held_message group by type"),
        ("ledger", "select kind || ' ' || count(*) from ledger_entry group by kind"),
        ("quarantine", "select type || ' ' || reason || ': ' || detail from quarantine"),
    ];

    public static IEnumerable<string> In(string folder) =>
        from path in Directory.EnumerateFiles(folder, "*.db", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        from question in Questions
        let rows = Rows(path, question.Query)
        where rows.Count > 0
        select $"{Path.GetFileNameWithoutExtension(path)} {question.What}: {string.Join(", ", rows)}";

    private static List<string> Rows(string path, string query)
    {
        try
        {
            using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false");
            return [.. connection.Query<string>(query)];
        }
        catch (SqliteException)
        {
            // This database has no such table.
            return [];
        }
    }
}
