using System.Buffers.Text;
using System.Text.Json;
using FlEvents.Contracts;
using Microsoft.Extensions.Primitives;

namespace FlEvents.Aggregator.Api;

/// <summary>An update's signature as a header: JSON in base64.</summary>
public static class SignatureHeader
{
    private const int Longest = 2048;

    /// <returns>Null where there is none, or it is malformed: an update that has to be signed is then not.</returns>
    public static UpdateSignature? Read(StringValues header)
    {
        if (header is not [{ Length: > 0 and <= Longest } text] || !Base64.IsValid(text))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<UpdateSignature>(Convert.FromBase64String(text), JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
