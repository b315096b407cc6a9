using System.CommandLine;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents broker-users</c>: the broker's users of a deployment with the fewest rights that do, for <c>rabbitmqctl import_definitions</c>.</summary>
public static class BrokerUsersCommand
{
    internal static readonly Option<string[]> Pool = new("--pool") { Description = "A pool whose workers are to have a user; can be given several times." };
    internal static readonly Option<string[]> Silo = new("--silo") { Description = "A silo client whose worker is to have a user; can be given several times." };

    public static Command Create()
    {
        foreach (var option in new[] { Pool, Silo })
        {
            option.Validators.Add(given =>
            {
                // The name becomes a part of a regular expression of the broker's, and "a-dead" would be where a's given-up tasks are.
                foreach (var name in given.Tokens.Select(token => token.Value).Where(name => name.Length is 0 or > 64 || !name.All(IsOfName) || name.EndsWith("-dead", StringComparison.Ordinal)))
                {
                    given.AddError($"{option.Name}: expected 1 to 64 of a-z, 0-9 and -, without -dead at the end, got \"{name}\"");
                }
            });
        }

        var command = new Command("broker-users", "Prints RabbitMQ definitions: a user for each service, pool and silo, without passwords, and its rights.") { Pool, Silo };
        command.SetAction(options =>
        {
            System.Console.Out.WriteLine(BrokerDefinitions.Write(Users(options.GetValue(Pool) ?? [], options.GetValue(Silo) ?? [])));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The services' users, and those of pools and silos.</summary>
    public static IEnumerable<BrokerUser> Users(IEnumerable<string> pools, IEnumerable<string> silos) =>
        [BrokerUser.Orchestrator, BrokerUser.Aggregator, BrokerUser.PrivacyAccountant, .. pools.Distinct().Select(BrokerUser.Pool), .. silos.Distinct().Select(BrokerUser.Silo)];

    private static bool IsOfName(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-';
}
