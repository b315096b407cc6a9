using System.Text.Json.Nodes;
using FlEvents.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FlEvents.RabbitMq.Tests;

/// <summary>The users of <c>deploy/rabbitmq/definitions.json</c> on a virtual host of a test: names of their own, and passwords.</summary>
internal sealed class BrokerUsers : IAsyncDisposable
{
    public static readonly string File = Repository.File("deploy", "rabbitmq", "definitions.json");
    private readonly VirtualHost _host;
    private readonly List<string> _names = [];
    private readonly Dictionary<string, IConnection> _connections = [];

    private BrokerUsers(VirtualHost host) => _host = host;

    /// <summary>Of whoever signs in next.</summary>
    public string Password { get; set; } = $"{Guid.NewGuid():N}";

    /// <summary>Imports the file as an administrator does, and sets the passwords.</summary>
    public static async Task<BrokerUsers> ImportAsync(VirtualHost host, bool withPasswords = true, string? file = null)
    {
        var users = new BrokerUsers(host);
        var definitions = JsonNode.Parse(await System.IO.File.ReadAllTextAsync(file ?? File))!;
        definitions["vhosts"]![0]!["name"] = host.Name;
        foreach (var permission in definitions["permissions"]!.AsArray())
        {
            permission!["vhost"] = host.Name;
            permission["user"] = users.NameOf((string)permission["user"]!);
        }

        foreach (var user in definitions["users"]!.AsArray())
        {
            user!["name"] = users.NameOf((string)user["name"]!);
            users._names.Add((string)user["name"]!);
        }

        using var imported = await host.SendAsync(HttpMethod.Post, "api/definitions", definitions);
        foreach (var name in withPasswords ? users._names : [])
        {
            using var changed = await host.SendAsync(HttpMethod.Put, $"api/users/{name}", new { password = users.Password, tags = "" });
        }

        return users;
    }

    /// <summary>What a service is given as <c>Bus__RabbitMqUrl</c>.</summary>
    public string UrlOf(string user) => new UriBuilder(_host.Url) { UserName = NameOf(user), Password = Password }.Uri.ToString();

    /// <summary>Does something on a channel of a user's.</summary>
    /// <returns>Null where it may; otherwise what the broker said.</returns>
    public async Task<string?> TryAsync(string user, Func<IChannel, Task> act)
    {
        if (!_connections.TryGetValue(user, out var connection))
        {
            _connections[user] = connection = await new ConnectionFactory { Uri = new Uri(UrlOf(user)) }.CreateConnectionAsync();
        }

        // Confirmed, so that the broker's answer is waited for.
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        try
        {
            await act(channel);
            return null;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.AccessRefused)
        {
            return e.ShutdownReason.ReplyText;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections.Values)
        {
            await connection.DisposeAsync();
        }

        foreach (var name in _names)
        {
            using var deleted = await _host.SendAsync(HttpMethod.Delete, $"api/users/{name}", body: null);
        }
    }

    // Users belong to the whole broker, which may be somebody's.
    private string NameOf(string user) => $"{_host.Name}-{user}";
}
