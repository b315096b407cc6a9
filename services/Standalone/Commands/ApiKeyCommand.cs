using System.CommandLine;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents api-key</c>: makes a key for someone who calls a deployment's services.</summary>
public static class ApiKeyCommand
{
    private static readonly Argument<string> Holder = new("name") { Description = "Who is to hold it, as the services name him: a-z, 0-9 and -." };
    private static readonly Option<string[]> Scope = new("--scope") { Description = "What he may do; can be given several times.", Required = true };

    public static Command Create()
    {
        Scope.AcceptOnlyFromAmong([.. Scopes.All]);
        Holder.Validators.Add(holder =>
        {
            var name = holder.Tokens[0].Value;
            if (name.Length > 64 || !name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-'))
            {
                holder.AddError($"name: expected 1 to 64 of a-z, 0-9 and -, got \"{name}\"");
            }
        });
        var command = new Command("api-key", "Makes an API key, and the settings by which a service knows it.") { Holder, Scope };
        command.SetAction(options => Write(options.GetValue(Holder)!, options.GetValue(Scope)!, System.Console.Out, System.Console.Error));
        return command;
    }

    /// <summary>The key goes to the one stream and the settings to the other, so that each can be put where it belongs.</summary>
    public static int Write(string holder, IReadOnlyList<string> scopes, TextWriter output, TextWriter settings)
    {
        var key = ApiKey.New();
        output.WriteLine(key);
        settings.WriteLine("It is shown once: it goes to its holder. The services get:");
        settings.WriteLine($"{SecurityOptions.Section}__ApiKeys__{holder}__Sha256={ApiKey.Hash(key)}");
        settings.WriteLine($"{SecurityOptions.Section}__ApiKeys__{holder}__Scopes={string.Join(' ', scopes.Distinct())}");
        return ExitCode.Done;
    }
}
