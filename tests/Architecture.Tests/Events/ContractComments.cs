using System.ComponentModel;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FlEvents.Contracts;

namespace FlEvents.Architecture.Tests.Events;

/// <summary>What the contracts say of themselves: the summaries that the compiler has written beside their assembly.</summary>
internal static partial class ContractComments
{
    private static readonly Dictionary<string, string> Summaries = XDocument.Load(Path.ChangeExtension(typeof(TrainClient).Assembly.Location, ".xml"))
        .Descendants("member")
        .Where(member => member.Element("summary") is not null)
        .ToDictionary(member => member.Attribute("name")!.Value, member => Text(member.Element("summary")!));

    /// <summary>A record's summary; null where it has none.</summary>
    public static string? Of(Type type) => Summaries.GetValueOrDefault($"T:{type.FullName}");

    /// <summary>A property's summary, or what describes it in a run file; null where it has neither.</summary>
    public static string? Of(PropertyInfo property) =>
        property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? Summaries.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}");

    private static string Text(XElement element)
    {
        var text = new StringBuilder();
        foreach (var node in element.Nodes())
        {
            text.Append(node switch
            {
                XText words => words.Value,
                XElement { Name.LocalName: "para" } part => $" {Text(part)} ",
                XElement part when part.Attribute("cref") is { } reference => NameOf(reference.Value),
                XElement part => Text(part),
                _ => "",
            });
        }

        return Blanks().Replace(text.ToString(), " ").Trim();
    }

    /// <summary>The last name of T:Namespace.Type or P:Namespace.Type.Property.</summary>
    private static string NameOf(string reference) => reference[(reference.LastIndexOf('.') + 1)..];

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
