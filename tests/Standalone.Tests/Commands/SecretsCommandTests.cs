using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Commands;

namespace FlEvents.Standalone.Tests.Commands;

public sealed class SecretsCommandTests : IDisposable
{
    private static readonly string[] Users = ["orchestrator", "aggregator", "privacy-accountant", "pool-wards", "silo-hillcrest"];
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Each_gets_a_password_of_its_own_that_the_broker_knows_by_its_hash()
    {
        Write(["wards"], ["hillcrest"]);

        var passwords = Users.ToDictionary(user => user, PasswordOf);
        Assert.Equal(Users.Length, passwords.Values.Distinct().Count());
        Assert.All(passwords.Values, password => Assert.Equal(43, password.Length));
        Assert.Equal(Users, Known().Keys);
        Assert.All(Known(), known => Assert.True(IsOf(known.Value, passwords[known.Key])));
        Assert.All(Users, user => Assert.StartsWith($"amqps://{user}:", Read(user, "Bus__RabbitMqUrl"), StringComparison.Ordinal));
        Assert.All(Users, user => Assert.EndsWith("@rabbitmq.flevents:5671/flevents", Read(user, "Bus__RabbitMqUrl"), StringComparison.Ordinal));
    }

    [Fact]
    public void Every_service_knows_every_key_by_its_hash_and_what_its_holder_may_do()
    {
        Write(["wards"], ["hillcrest"]);

        Dictionary<string, (string Key, string Scopes)> keys = new()
        {
            ["orchestrator"] = (Read("orchestrator", "Orchestrator__ApiKey"), "blobs:client"),
            ["pool-wards"] = (Read("pool-wards", "ClientWorker__ApiKey"), "blobs:client"),
            ["silo-hillcrest"] = (Read("silo-hillcrest", "ClientWorker__ApiKey"), "blobs:client"),
            ["operator"] = (Read("operator", "FLEVENTS_API_KEY"), "runs:read runs:write ledger:read ledger:admin"),
        };
        Assert.Equal(keys.Count, keys.Values.Select(key => key.Key).Distinct().Count());
        Assert.All(from user in Users from key in keys select (User: user, Holder: key.Key, key.Value.Key, key.Value.Scopes), known =>
        {
            Assert.Equal(ApiKey.Hash(known.Key), Read(known.User, $"Security__ApiKeys__{known.Holder}__Sha256"));
            Assert.Equal(known.Scopes.Split(' ').Order(), Read(known.User, $"Security__ApiKeys__{known.Holder}__Scopes").Split(' ').Order());
        });

        // Keys and passwords are in the folders of their holders and nowhere else.
        var secrets = keys.Values.Select(key => key.Key).Concat(Users.Select(PasswordOf));
        Assert.All(secrets, secret => Assert.Single(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains(secret, StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_there_is_kept_and_what_is_missing_is_made()
    {
        Write(["wards"], []);
        var before = Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllText);
        var lost = _folder.File("aggregator", "Bus__RabbitMqUrl");
        File.Delete(lost);

        Write(["wards"], ["hillcrest"]);

        Assert.All(before.Where(file => file.Key != lost && !file.Key.EndsWith("definitions.json", StringComparison.Ordinal)), file => Assert.Equal(file.Value, File.ReadAllText(file.Key)));
        Assert.NotEqual(before[lost], File.ReadAllText(lost));
        Assert.Equal(Users, Known().Keys);
        Assert.All(Known(), known => Assert.True(IsOf(known.Value, PasswordOf(known.Key))));
    }

    [Fact]
    public void A_folder_is_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Unix has modes.");
            return;
        }

        Write(["wards"], []);

        foreach (var folder in Directory.GetDirectories(_folder.Path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("amqps://orchestrator@rabbitmq/flevents")]
    [InlineData("amqps://guest:guest@rabbitmq/flevents")]
    public void An_address_without_the_users_password_is_named_and_left_as_it_is(string url)
    {
        Directory.CreateDirectory(_folder.File("orchestrator"));
        File.WriteAllText(_folder.File("orchestrator", "Bus__RabbitMqUrl"), url);

        Assert.Contains("Bus__RabbitMqUrl of orchestrator", Assert.Throws<InvalidDataException>(() => Write([], [])).Message, StringComparison.Ordinal);
        Assert.Equal(url, Read("orchestrator", "Bus__RabbitMqUrl"));
    }

    [Theory]
    [InlineData("rabbitmq:5671")]
    [InlineData("https://rabbitmq")]
    [InlineData("amqp://guest:guest@rabbitmq")]
    [InlineData("amqps://rabbitmq/other")]
    public void An_address_of_the_broker_has_no_user_and_no_virtual_host(string broker) =>
        Assert.Contains(broker, Assert.Single(SecretsCommand.Create().Parse(["--to", "secrets", "--broker", broker]).Errors).Message, StringComparison.Ordinal);

    public void Dispose() => _folder.Dispose();

    private void Write(IReadOnlyList<string> pools, IReadOnlyList<string> silos) => SecretsCommand.Write(_folder.Path, new Uri("amqps://rabbitmq.flevents:5671"), pools, silos);

    private string Read(string holder, string name) => File.ReadAllText(_folder.File(holder, name));

    private string PasswordOf(string user) => new Uri(Read(user, "Bus__RabbitMqUrl")).UserInfo.Split(':')[1];

    private Dictionary<string, string> Known() => JsonNode.Parse(Read("rabbitmq", "definitions.json"))!["users"]!.AsArray().ToDictionary(user => (string)user!["name"]!, user => (string)user!["password_hash"]!);

    // https://www.rabbitmq.com/docs/passwords: a salt of four bytes, then the SHA-256 of it and the password.
    private static bool IsOf(string hash, string password)
    {
        var bytes = Convert.FromBase64String(hash);
        return SHA256.HashData([.. bytes.Take(4), .. Encoding.UTF8.GetBytes(password)]).SequenceEqual(bytes.Skip(4));
    }
}
