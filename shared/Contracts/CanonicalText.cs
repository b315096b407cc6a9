using System.Text;

namespace FlEvents.Contracts;

/// <summary>The one spelling of named values that hashes are taken over.</summary>
public static class CanonicalText
{
    /// <returns>
    /// UTF-8 of <c>name=length:value</c> and a line feed for each field in order, the length in bytes of UTF-8. A field without a value is left
    /// out, so that a later version can add one without changing what is hashed already.
    /// </returns>
    public static byte[] Of(params ReadOnlySpan<(string Name, string? Value)> fields)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            if (value is not null)
            {
                text.Append(name).Append('=').Append(Encoding.UTF8.GetByteCount(value)).Append(':').Append(value).Append('\n');
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
