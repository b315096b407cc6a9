using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;

namespace FlEvents.Limits.Tests.Http;

/// <summary>A service that runs as a program, asks its callers for keys, and tells all it has to tell on its console.</summary>
internal sealed record AttackedService(string Name, Uri Url, ChildProcess Process, string Folder)
{
    /// <summary>What nobody outside has changed: every table but those of messages, of its own doings, and the audit log.</summary>
    public IReadOnlyList<string> State()
    {
        var rows = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Folder, "*.db", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=false");
            connection.Open();
            foreach (var table in Read(connection, "select name from sqlite_master where type = 'table' and name not in ('audit', 'inbox', 'outbox') and name not like 'sqlite_%' order by name"))
            {
                rows.AddRange(Read(connection, $"select * from \"{table}\"").Select(row => $"{table}: {row}"));
            }
        }

        return rows;
    }

    private static List<string> Read(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : $"{reader.GetValue(i)}")));
        }

        return rows;
    }
}

/// <summary>The four services, started once for all attacks.</summary>
public sealed class AttackedServices : IAsyncLifetime
{
    /// <summary>Who holds it may do everything: what is refused to him is refused for what it is.</summary>
    internal const string Key = "fle_everything";

    internal const string Authorized = $"Authorization: Bearer {Key}\r\n";
    private readonly TemporaryFolder _folder = new();
    private readonly List<AttackedService> _all = [];

    internal IReadOnlyList<AttackedService> All => _all;

    internal AttackedService Orchestrator => _all[0];

    internal AttackedService PrivacyAccountant => _all[2];

    public async ValueTask InitializeAsync()
    {
        foreach (var name in ServiceEndpoints.Services)
        {
            var (folder, url) = (_folder.File(name), new Uri($"http://127.0.0.1:{FreePort.Next()}"));
            Directory.CreateDirectory(folder);
            _all.Add(new AttackedService(name, url, Start(name, folder, url), folder));
        }

        await Task.WhenAll(_all.Select(service => service.Process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), Product.Patience)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _all)
        {
            await service.Process.DisposeAsync();
        }

        _folder.Dispose();
    }

    internal static HttpClient Client(AttackedService service, string? key = Key) => ApiKey.Show(new HttpClient { BaseAddress = service.Url, Timeout = Product.Patience }, key);

    /// <summary>Attacks all services, each of which must be as it was before, the ledger's head too.</summary>
    internal async Task AttackAsync(Func<AttackedService, Task> attack)
    {
        var before = _all.ConvertAll(service => service.State());
        var head = await HeadAsync();
        await Task.WhenAll(_all.Select(attack));
        Assert.Equal(head, await HeadAsync());
        Assert.Equal(before, _all.ConvertAll(service => service.State()));
        Assert.All(_all, service => Assert.False(service.Process.HasExited, service.Name));
    }

    private async Task<string> HeadAsync()
    {
        using var http = Client(PrivacyAccountant);
        return (await http.GetFromJsonAsync<JsonElement>(new Uri("ledger/head", UriKind.Relative), TestContext.Current.CancellationToken)).GetRawText();
    }

    private static ChildProcess Start(string service, string folder, Uri url) => ChildProcess.Start(
        Product.Dotnet,
        [Path.Combine(AppContext.BaseDirectory, $"FlEvents.{service}.dll")],
        new Dictionary<string, string?>([
            .. ServiceEndpoints.Settings(service, folder).Select(setting => KeyValuePair.Create(setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value)),
            KeyValuePair.Create("ASPNETCORE_URLS", (string?)url.ToString()),
            KeyValuePair.Create("Security__ApiKeys__all__Sha256", (string?)ApiKey.Hash(Key)),
            KeyValuePair.Create("Security__ApiKeys__all__Scopes", (string?)string.Join(' ', Scopes.All)),

            // Another test counts requests.
            KeyValuePair.Create("Security__StrangersRequestsAtOnce", (string?)"100000"),

            // More than anybody lets it tell.
            KeyValuePair.Create("Logging__LogLevel__Default", (string?)"Debug"),
            KeyValuePair.Create("Logging__LogLevel__Microsoft.AspNetCore", (string?)"Debug"),
        ]),
        folder);
}
