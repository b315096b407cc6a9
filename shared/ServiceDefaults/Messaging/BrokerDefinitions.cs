using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Users and rights in the form that RabbitMQ imports (<c>rabbitmqctl import_definitions</c>).</summary>
public static class BrokerDefinitions
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>JSON of the virtual host, the users and their rights. A user without a password's hash can't sign in until it is given a password.</returns>
    public static string Write(IEnumerable<BrokerUser> users)
    {
        var all = users.ToList();
        return new JsonObject
        {
            ["vhosts"] = new JsonArray(new JsonObject { ["name"] = BrokerUser.VirtualHost }),
            ["users"] = new JsonArray([.. all.Select(user => new JsonObject
            {
                ["name"] = user.Name, ["password_hash"] = "", ["hashing_algorithm"] = "rabbit_password_hashing_sha256", ["tags"] = "",
            })]),
            ["permissions"] = new JsonArray([.. all.Select(user => new JsonObject
            {
                ["user"] = user.Name, ["vhost"] = BrokerUser.VirtualHost, ["configure"] = user.Configure, ["write"] = user.Write, ["read"] = user.Read,
            })]),
        }.ToJsonString(Json);
    }
}
