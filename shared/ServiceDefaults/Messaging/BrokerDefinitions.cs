using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Users and rights in the form that RabbitMQ imports (<c>rabbitmqctl import_definitions</c>).</summary>
public static class BrokerDefinitions
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="passwordOf">A user's password, of which the hash is written; null for users that can't sign in until they are given one.</param>
    /// <returns>JSON of the virtual host, the users and their rights.</returns>
    public static string Write(IEnumerable<BrokerUser> users, Func<BrokerUser, string>? passwordOf = null)
    {
        var all = users.ToList();
        return new JsonObject
        {
            ["vhosts"] = new JsonArray(new JsonObject { ["name"] = BrokerUser.VirtualHost }),
            ["users"] = new JsonArray([.. all.Select(user => new JsonObject
            {
                ["name"] = user.Name, ["password_hash"] = passwordOf is null ? "" : Hash(passwordOf(user)), ["hashing_algorithm"] = "rabbit_password_hashing_sha256", ["tags"] = "",
            })]),
            ["permissions"] = new JsonArray([.. all.Select(user => new JsonObject
            {
                ["user"] = user.Name, ["vhost"] = BrokerUser.VirtualHost, ["configure"] = user.Configure, ["write"] = user.Write, ["read"] = user.Read,
            })]),
        }.ToJsonString(Json);
    }

    // As rabbit_password_hashing_sha256 has it: four bytes of salt, then the SHA-256 of them and the password.
    private static string Hash(string password)
    {
        const int SaltBytes = 4;
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]);
    }
}
