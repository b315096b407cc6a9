using System.Globalization;
using System.Text.Encodings.Web;

namespace FlEvents.Standalone.Report;

/// <summary>Text made safe for a page.</summary>
internal static class ReportText
{
    /// <summary>Escapes text for an element's content or a quoted attribute; characters that neither HTML nor XML allows become U+FFFD.</summary>
    public static string Html(string text) =>
        HtmlEncoder.Default.Encode(string.Concat(text.Select(c => char.IsControl(c) && c is not ('\t' or '\n' or '\r') ? '\uFFFD' : c)));

    /// <summary>A name given by someone, kept from changing the direction of the text around it.</summary>
    public static string Name(string name) => $"<bdi>{Html(name)}</bdi>";

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A bar filled to a share in [0, 1].</summary>
    public static string Bar(double share) =>
        string.Create(CultureInfo.InvariantCulture, $"""<span class="bar"><i style="width:{Math.Clamp(share, 0, 1) * 100:F1}%"></i></span>""");

    public static string Plural(long count, string one, string many) => count == 1 ? one : many;
}
