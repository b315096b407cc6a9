using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FlEvents.Standalone.Commands;

/// <summary>Reads the address of a service.</summary>
internal static class ServiceAddress
{
    /// <param name="description">Whose address it is.</param>
    /// <param name="port">Where that service listens on this machine unless told otherwise.</param>
    public static Option<Uri> Option(string description, int port = 5080, string name = "--url") => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")),
        CustomParser = Parse,
    };

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
