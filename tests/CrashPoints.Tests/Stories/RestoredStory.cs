using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Standalone.Backup;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>The ledger is put back to a backup from before a run, and learns from the other services what it has lost.</summary>
internal sealed class RestoredStory() : ApiStory("restored")
{
    private const string Ledger = "privacy-accountant";

    public override void Adjust(IServiceCollection services, Life life)
    {
        base.Adjust(services, life);
        if (File.Exists(Wanted(life)))
        {
            RestoredFile.PutAsync(Backup(life), Path.Combine(life.Folder, Ledger, "ledger.db"), TimeProvider.System.GetUtcNow()).GetAwaiter().GetResult();
            File.Move(Wanted(life), Restored(life));
        }
    }

    protected override async Task<bool> TellAsync(HttpClient http, Life life)
    {
        await EnrolledAsync(http, life);
        if (!File.Exists(Restored(life)))
        {
            if (!File.Exists(Backup(life)))
            {
                await BackupDownload.FetchAsync(http, Ledger, Backup(life), life.Died);
            }

            await EndAsync(http, await CreateAsync(http, "lost", PlainRun.Local));
            await life.HeardOfEndsAsync(runs: 1);
            await File.WriteAllTextAsync(Wanted(life), "");
            return false;
        }

        await life.CameToAsync("the ledger was told of what it had lost", () => life.Count("privacy-accountant.ack.after LedgerReport") > 0);
        await Eventually.HoldsAsync("the ledger charges again", async () => life.HasDied
            || !(await http.GetFromJsonAsync<JsonElement>("ledger/quarantine", life.Died)).GetProperty("isQuarantined").GetBoolean());

        // A person who comes late is told so.
        using var asked = await http.PostAsync(new Uri("ledger/quarantine/ask", UriKind.Relative), content: null, life.Died);
        using var accepted = await http.PostAsJsonAsync("ledger/quarantine/accept", new { reason = "All is there." }, life.Died);
        await EndAsync(http, await CreateAsync(http, "next", PlainRun.Local));
        await life.HeardOfEndsAsync(runs: 2);
        return true;
    }

    private static string Backup(Life life) => Path.Combine(life.Folder, "backup.db");

    private static string Wanted(Life life) => Path.Combine(life.Folder, "restore-now");

    private static string Restored(Life life) => Path.Combine(life.Folder, "restored");
}
