using System.CommandLine.Parsing;

namespace FlEvents.Standalone.Commands;

/// <summary>Reads the address of a service.</summary>
internal static class ServiceAddress
{
    public static Uri? Parse(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (Uri.TryCreate(text.EndsWith('/') ? text : $"{text}/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        argument.AddError($"--url: expected an address such as http://127.0.0.1:5080, got \"{text}\"");
        return null;
    }
}
