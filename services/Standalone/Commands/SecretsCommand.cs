using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents secrets</c>: the passwords and API keys of a deployment, in a folder for each who is to have them. What is there is kept.</summary>
public static class SecretsCommand
{
    /// <summary>Name of the one who has the key that operates a deployment.</summary>
    public const string Operator = "operator";

    private const string Definitions = "definitions.json";
    private const string BrokerUrl = $"{BusOptions.Section}__{nameof(BusOptions.RabbitMqUrl)}";
    private const int PasswordBytes = 32;

    private static readonly Option<string> To = new("--to") { Description = "Folder in which each service, pool and silo, the broker and the operator get one of their own.", Required = true };
    private static readonly Option<Uri?> Broker = new("--broker")
    {
        Description = "Address at which the services find the broker, without a user: amqps://host:5671.",
        Required = true,
        CustomParser = argument =>
        {
            var text = argument.Tokens[0].Value;
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url is { Scheme: "amqp" or "amqps", UserInfo: "", PathAndQuery: "" or "/" })
            {
                return url;
            }

            argument.AddError($"--broker: expected an address such as amqps://rabbitmq:5671, got \"{text}\"");
            return null;
        },
    };

    public static Command Create()
    {
        var command = new Command("secrets", "Makes the passwords and API keys of a deployment; those that are there stay.") { To, Broker, BrokerUsersCommand.Pool, BrokerUsersCommand.Silo };
        command.SetAction(options =>
        {
            try
            {
                Write(options.GetValue(To)!, options.GetValue(Broker)!, options.GetValue(BrokerUsersCommand.Pool) ?? [], options.GetValue(BrokerUsersCommand.Silo) ?? []);
                return ExitCode.Done;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                System.Console.Error.WriteLine(e.Message);
                return ExitCode.Failed;
            }
        });
        return command;
    }

    /// <summary>Writes a file for each setting, with the setting's name: services read them so (docs/security.md).</summary>
    /// <exception cref="InvalidDataException">A file that is there holds no address of the user.</exception>
    public static void Write(string to, Uri broker, IReadOnlyList<string> pools, IReadOnlyList<string> silos)
    {
        var services = BrokerUsersCommand.Users([], []).ToList();
        var users = BrokerUsersCommand.Users(pools, silos).ToList();
        var passwords = users.ToDictionary(user => user.Name, user => PasswordOf(user.Name, Kept(to, user.Name, BrokerUrl, () => UrlOf(user.Name, broker))));
        List<(string Holder, string Key, string[] Scopes)> keys =
        [
            (BrokerUser.Orchestrator.Name, Kept(to, BrokerUser.Orchestrator.Name, "Orchestrator__ApiKey", ApiKey.New), [Scopes.BlobsClient]),
            .. users.Except(services).Select(worker => (worker.Name, Kept(to, worker.Name, "ClientWorker__ApiKey", ApiKey.New), new[] { Scopes.BlobsClient })),
            (Operator, Kept(to, Operator, ServiceCalls.KeyVariable, ApiKey.New), [.. Scopes.All.Where(scope => scope != Scopes.BlobsClient)]),
        ];
        foreach (var (user, (holder, key, scopes)) in users.SelectMany(user => keys.Select(key => (user, key))))
        {
            Put(to, user.Name, $"{SecurityOptions.Section}__ApiKeys__{holder}__Sha256", ApiKey.Hash(key));
            Put(to, user.Name, $"{SecurityOptions.Section}__ApiKeys__{holder}__Scopes", string.Join(' ', scopes));
        }

        // The last: where it is there, everything is.
        Put(to, "rabbitmq", Definitions, BrokerDefinitions.Write(users, user => passwords[user.Name]));
    }

    private static string UrlOf(string user, Uri broker) =>
        $"{broker.Scheme}://{user}:{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(PasswordBytes))}@{broker.Authority}/{BrokerUser.VirtualHost}";

    private static string PasswordOf(string user, string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.UserInfo.Split(':', 2) is [var name, { Length: > 0 } password] && name == user
            ? Uri.UnescapeDataString(password)
            : throw new InvalidDataException($"{BrokerUrl} of {user} is no address with that user and a password.");

    private static string Kept(string to, string holder, string name, Func<string> make)
    {
        var file = Path.Combine(to, holder, name);
        if (File.Exists(file))
        {
            return File.ReadAllText(file).TrimEnd('\n');
        }

        var made = make();
        Put(to, holder, name, made);
        return made;
    }

    private static void Put(string to, string holder, string name, string value)
    {
        var folder = Path.Combine(to, holder);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            // Its files can be read by whoever may look into it: a container's volume has one user, who is not the one that fills it.
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        AtomicFile.Write(Path.Combine(folder, name), Encoding.UTF8.GetBytes(value));
    }
}
