using System.Globalization;
using System.Text;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Text from outside as it may be stored in a log and shown on a terminal.</summary>
public static class PrintableText
{
    /// <summary>Escapes as \uXXXX whatever could begin a new line, command a terminal, turn the direction of reading, or is not there to be seen. What is escaped stays as it is.</summary>
    /// <param name="longest">Most characters taken of <paramref name="text"/>; what is beyond becomes an ellipsis.</param>
    public static string Of(string text, int longest = int.MaxValue)
    {
        var shown = new StringBuilder();
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, longest)))
        {
            _ = IsShown(character) ? shown.Append(character) : shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}");
        }

        return text.Length > longest ? shown.Append('…').ToString() : shown.ToString();
    }

    private static bool IsShown(char character) => char.GetUnicodeCategory(character) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
